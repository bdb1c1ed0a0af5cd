import { describe, expect, test } from 'vitest'
import { option, summary, type Chart } from '../src/pages/catalog/history_option'
import type { Expression } from '../src/lib/kpi_values/shapes'
import { range } from '../src/pages/catalog/ranges'
import { bandOf, byYear, inForce } from '../src/pages/catalog/bands'
import { figure, filtered, missing, sight, sorted, unitRows, type Column } from '../src/lib/kpi_values/unit_rows'
import { condition, formula, glossary, inWords } from '../src/lib/kpi_values/definition_text'
import { csv } from '../src/lib/format/csv'
import { finds, fold } from '../src/lib/format/fold'
import { zoneOffset_ms } from '../src/lib/format/times'
import type { Unit } from '../src/lib/live/messages'
import { speaker } from '../src/lib/i18n'
import { definition, kpi } from './values'

const vi = { language: 'vi', say: speaker('vi') } as const
const en = { language: 'en', say: speaker('en') } as const
const unit = (code: string, name: string, parent = '46', kind = 'commune'): Unit => ({
  code,
  name,
  short_name: name,
  kind,
  parent,
  latitude: 16,
  longitude: 107,
  area_km2: null,
  valid_from: null,
  valid_to: null,
})

describe('search', () => {
  test.each([
    ['ho so', 'Hồ sơ đúng hạn', true],
    ['HỒ SƠ', 'Hồ sơ đúng hạn', true],
    ['đúng hồ', 'Hồ sơ đúng hạn', true],
    ['dung han', 'Hồ sơ đúng hạn', true],
    ['quá hạn', 'Hồ sơ đúng hạn', false],
    ['', 'anything', true],
    ['  ', 'anything', true],
  ])('"%s" in "%s": %s', (wanted, text, found) => expect(finds(text, wanted)).toBe(found))

  test('all letters of the language fold', () => expect(fold('Ẳ Ế Ộ ữ Đ ẵ ợ')).toBe('a e o u d a o'))
})

describe('a definition in words', () => {
  const known = glossary({
    sectors: [],
    kpis: [definition({ id: 'lgsp.failures', name: { vi: 'Giao dịch LGSP lỗi', en: 'Failed LGSP transactions' } })],
    measures: [
      {
        id: 'air.pm25',
        name: { vi: 'Bụi mịn', en: 'Fine dust' },
        unit_of_measure: '',
        kind: 'gauge',
        keeps_subject: true,
        least: null,
        most: null,
      },
    ],
    case_types: [
      {
        id: 'dossier',
        name: { vi: 'Hồ sơ', en: 'Dossier' },
        statuses: [],
        attributes: [],
        attribute_types: {},
        clock: 'calendar',
        due_in: null,
        pauses_in: [],
      },
    ],
    constants: [{ id: 'price', name: { vi: 'Đơn giá', en: 'Price' }, values: [] }],
  })
  const aggregate = (take: string, more = {}): Expression => ({ kind: 'aggregate', measure: 'air.pm25', take, ...more })

  test.each<[string, Expression, string, string]>([
    ['mean', aggregate('mean'), 'Trung bình bụi mịn', 'Mean of fine dust'],
    ['rate', aggregate('rate', { per: 60 }), 'bụi mịn, tính trên mỗi phút', 'fine dust, for each minute'],
    [
      'quantile',
      aggregate('quantile', { q: 0.95 }),
      'Giá trị mà 95 % số lần đo bụi mịn không vượt quá',
      'Value that 95 % of the readings of fine dust do not exceed',
    ],
    ['a take that this page does not know', aggregate('mode'), 'mode: bụi mịn', 'mode: fine dust'],
    ['all cases', { kind: 'count', of: 'dossier', where: 'true' }, 'Số hồ sơ', 'Number of dossier'],
    [
      'cases with a condition',
      { kind: 'count', of: 'dossier', where: 'closed_at is null and due_at < now' },
      'Số hồ sơ, với điều kiện ngày kết thúc chưa có và hạn trả < hiện tại',
      'Number of dossier, where date closed is not set and due date < now',
    ],
    [
      'formula',
      { kind: 'formula', text: '100 * (1 - lgsp.failures / price)', parts: [] },
      '100 × (1 − [Giao dịch LGSP lỗi] ÷ [Đơn giá])',
      '100 × (1 − [Failed LGSP transactions] ÷ [Price])',
    ],
    [
      'working days',
      {
        kind: 'time',
        of: 'dossier',
        since: 'received_at',
        until: 'now',
        where: 'true',
        take: 'mean',
        per: 1,
        working: true,
      },
      'Trung bình thời gian từ ngày tiếp nhận đến hiện tại của hồ sơ, tính bằng ngày làm việc',
      'Mean time from date received to now of dossier, in working day',
    ],
  ])('%s', (_, expression, inVietnamese, inEnglish) => {
    expect(inWords(expression, known, vi)).toBe(inVietnamese)
    expect(inWords(expression, known, en)).toBe(inEnglish)
  })

  test('what is quoted in a condition is not taken for a column', () =>
    expect(condition("status in ('now', 'it''s') and fee >= 5", 'vi')).toBe(
      "trạng thái thuộc (“hiện tại”, “it''s”) và lệ phí ≥ 5",
    ))
  test('an id that nobody knows stays', () => expect(formula('max(a.b, 1)', known, 'vi')).toBe('max(a.b, 1)'))
})

describe('standing', () => {
  const bands = [
    { name: { vi: 'Tốt', en: 'Good' }, at_least: 90 },
    { name: { vi: 'Khá', en: 'Fair' }, over: 50 },
    { name: { vi: 'Yếu', en: 'Weak' } },
  ]
  test.each([
    [90, 'Good'],
    [89.9999999999, 'Good'],
    [89.9, 'Fair'],
    [50, 'Weak'],
    [-1, 'Weak'],
  ])('%d is %s', (value, name) => expect(bandOf(value, bands)?.name.en).toBe(name))
  test('no bands, no word', () => expect(bandOf(5, [])).toBeNull())

  test('targets by year keep their own distance, the year that runs is marked', () => {
    const [past, present] = byYear(
      [
        { year: 2025, at_least: 90, basis: '' },
        { year: 2026, at_least: 98, basis: '' },
      ],
      96,
      2026,
    )
    expect([past?.distance?.missed, past?.present]).toEqual([false, false])
    expect([present?.distance?.difference, present?.distance?.missed, present?.present]).toEqual([-2, true, true])
  })
  test('without a value there is no distance', () =>
    expect(byYear([{ year: 2026, at_least: 98, basis: '' }], null, 2026)[0]?.distance).toBeNull())

  const constant = {
    id: 'c',
    name: { vi: 'c', en: 'c' },
    values: [
      { from: '2022-06-23', value: 0.8, basis: '' },
      { from: '2027-01-01', until: '2028-01-01', value: 0.9, basis: '' },
    ],
  }
  test.each([
    ['2022-06-22', null],
    ['2022-06-23', 0.8],
    ['2026-12-31', 0.8],
    ['2027-01-01', 0.9],
    ['2028-01-01', null],
  ])('constant on %s: %s', (day, value) => expect(inForce(constant, day)?.value ?? null).toBe(value))
})

describe('units of a KPI', () => {
  const units = [
    unit('46', 'Huế', '', 'city'),
    unit('1', 'A Lưới'),
    unit('2', 'Đất Mũi'),
    unit('3', 'Bạch Mã'),
    unit('9', 'Sở Y tế', '46', 'department'),
  ]
  const values = [
    kpi({ unit: '46' }),
    kpi({ unit: '1', value: 97 }),
    kpi({ unit: '2', value: 99 }),
    kpi({ unit: '3', value: 50, freshness: 'insufficient' }),
  ]
  const rows = unitRows(units, values, ['province', 'commune'])
  const codes = (list: typeof rows): string => list.map((row) => row.unit.code).join('')

  test('only those that the KPI speaks of', () => expect(codes(rows)).toBe('123'))
  test('departments where it speaks of them, without a value too', () => {
    const [department] = unitRows(units, values, ['department']).slice(-1)
    expect([department?.unit.code, department?.freshness]).toEqual(['9', 'no_data'])
  })
  test('a value on too few samples is no figure', () => expect(figure(rows[2]!)).toBeNull())
  test.each<[Column, boolean, string]>([
    ['value', true, '213'],
    ['value', false, '123'],
    ['name', false, '132'],
    ['name', true, '231'],
    ['distance', true, '123'],
    ['freshness', true, '312'],
  ])('by %s, down: %s', (column, down, order) => expect(codes(sorted(rows, { column, down }))).toBe(order))
  test.each([
    ['dat mui', 'all', '2'],
    ['', 'missed', '1'],
    ['', 'missing', '3'],
    ['x', 'all', ''],
  ] as const)('"%s", %s', (text, show, left) => expect(codes(filtered(rows, text, show))).toBe(left))
  test('what is missing', () => {
    const found = missing(rows)
    expect([found.units, found.live, codes(found.insufficient), codes(found.silent)]).toEqual([3, 2, '3', ''])
  })

  test.each([
    ['at the top', 0, { from: 0, to: 18, above: 0, below: 82 * 30 }],
    ['in the middle', 1500, { from: 42, to: 68, above: 1260, below: 960 }],
    ['at the end', 2700, { from: 82, to: 100, above: 2460, below: 0 }],
  ])('rows in sight %s', (_, scrolled, expected) => expect(sight(100, scrolled, 300, 30)).toEqual(expected))
  test('no rows, nothing in sight', () =>
    expect(sight(0, 500, 300, 30)).toEqual({ from: 0, to: 0, above: 0, below: 0 }))
})

describe('files', () => {
  test('cells are quoted where they must be', () =>
    expect(
      csv(
        ['a', 'b'],
        [
          ['x,"y"', 1.5],
          ['=1+1', null],
        ],
      ),
    ).toBe('\ufeffa,b\r\n"x,""y""",1.5\r\n\'=1+1,\r\n'))
})

describe('the history chart', () => {
  const at = (hour: number, value: number | null): { time: string; value: number | null; samples: number } => ({
    time: `2026-11-22T0${hour}:00:00Z`,
    value,
    samples: value === null ? 0 : 9,
  })
  const chart: Chart = {
    points: [at(0, 1), at(1, 2), at(2, null), at(3, 4), at(4, null)],
    from_ms: Date.parse('2026-11-22T00:00:00Z'),
    to_ms: Date.parse('2026-11-22T04:00:00Z'),
    range: '24h',
    target: { year: 2026, at_least: 5, basis: '' },
    references: [{ name: { vi: 'Cả nước', en: 'Country' }, value: 900, at: '2020-08-31', basis: '' }],
    digits: 1,
    unitOfMeasure: '%',
  }
  const drawn = option(chart, { zone: 'Asia/Ho_Chi_Minh', ...vi })
  const series = (
    drawn.series as {
      data: [number, number | null][]
      connectNulls: boolean
      markLine: { data: { yAxis: number }[] }
    }[]
  )[0]!

  test('a gap stays a gap', () => {
    expect(series.data.map(([, value]) => value)).toEqual([1, 2, null, 4, null])
    expect(series.connectNulls).toBe(false)
  })
  test('times stand in the province’s zone', () =>
    expect(new Date(series.data[0]![0]).toISOString()).toBe('2026-11-22T07:00:00.000Z'))
  test('the target is drawn, a reference far away is not', () =>
    expect(series.markLine.data.map(({ yAxis }) => yAxis)).toEqual([5]))
  test('what it says to those who do not see it', () =>
    expect(summary(chart.points)).toEqual({ least: 1, most: 4, last: 4, missing: 2 }))
  test('nothing but gaps', () =>
    expect(summary([at(0, null)])).toEqual({ least: null, most: null, last: null, missing: 1 }))
  test('a zone with summer time', () =>
    expect(zoneOffset_ms(Date.parse('2026-07-01T00:00:00Z'), 'Europe/Berlin')).toBe(7_200_000))

  test.each([
    ['7d', 'today', '7d'],
    ['', 'today', '24h'],
    ['', 'month', '30d'],
    ['', 'year', '1y'],
    ['century', '5m', '24h'],
  ])('range "%s" of a KPI over %s: %s', (asked, window, shown) => expect(range(asked, window)).toBe(shown))
})
