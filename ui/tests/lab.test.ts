import { describe, expect, test } from 'vitest'
import { columnsOf, type Row } from '../src/lib/charts/table'
import { csv, inert } from '../src/lib/format/csv'
import { copied, faces, ordered, shown, type Face } from '../src/pages/lab/cells'
import { offers, type Vocabulary } from '../src/pages/lab/editor/completions'
import { failed, stretch, trouble } from '../src/pages/lab/query_fault'
import { found } from '../src/pages/lab/dictionary_search'
import { area, holds, inSight, moved, scrollTo } from '../src/pages/lab/cell_selection'
import { labPath, linkOf, placeOf, type LabView } from '../src/lib/address/lab_address'
import { typedDay } from '../src/lib/format/typed_day'
import {
  boundValue,
  filled,
  firstValue,
  isAmbiguous,
  missing,
  parameterKind,
  parametersOf,
  stretchOf,
} from '../src/pages/lab/query_parameters'
import type { View } from '../src/pages/lab/shapes'
import { ResultRows } from '../src/pages/lab/result_rows.svelte'
import { Refused } from '../src/lib/api/request'
import { speaker } from '../src/lib/i18n'

const VI = { language: 'vi' as const, zone: 'Asia/Ho_Chi_Minh' }
const columns = (told: Record<string, string>) =>
  columnsOf(Object.entries(told).map(([name, type]) => ({ name, type })))
const column = (name: string, type: string, vi = '') => ({ name, type, comment: { vi, en: '' } })

describe('parameters', () => {
  test.each([
    ['in order, once', 'SELECT $to, $unit, $to', ['to', 'unit']],
    ['not in a text', "SELECT '$unit', 'it''s $from' || $to", ['to']],
    ['not in a quoted name', 'SELECT "a$b" FROM t', []],
    ['not in comments', '-- $a\n/* $b\n */ SELECT $c', ['c']],
    ['not between dollar signs', 'SELECT $$ $a $$, $tag$ $b $tag$, $c', ['c']],
    ['not inside a name', 'SELECT a$b', []],
    ['a text that is not closed hides the rest', "SELECT $a, ' $b", ['a']],
    ['numbers are no names', 'SELECT $1', []],
    ['a cast after it', 'SELECT $from::DATE', ['from']],
  ])('%s', (_, sql, names) => expect(parametersOf(sql)).toEqual(names))

  test.each([
    ['unit', 'unit'],
    ['other_unit', 'unit'],
    ['from', 'day'],
    ['to', 'day'],
    ['since', 'day'],
    ['community', 'text'],
    ['limit', 'text'],
  ] as const)('%s asks for %s', (name, kind) => expect(parameterKind(name)).toBe(kind))

  test.each([
    ['from', '2026-11-01'],
    ['to', '2026-11-24'],
    ['unit', '46'],
    ['kpi', ''],
  ])('%s begins with "%s"', (name, value) => expect(firstValue(name, '2026-11-23', '46')).toBe(value))

  test('what was chosen stays, what is not in the text is left out', () => {
    const parameters = filled('SELECT $unit, $kpi', { unit: '19753', gone: 'x' }, '2026-11-23', '46')
    expect(parameters).toEqual({ unit: '19753', kpi: '' })
    expect(missing(parameters)).toEqual(['kpi'])
  })

  test.each([
    ['week', '2026-11-17', '2026-11-24'],
    ['month', '2026-11-01', '2026-11-24'],
    ['last_month', '2026-10-01', '2026-11-01'],
    ['quarter', '2026-10-01', '2026-11-24'],
    ['year', '2026-01-01', '2026-11-24'],
    ['last_year', '2025-01-01', '2026-01-01'],
  ] as const)('%s', (each, from, to) => expect(stretchOf(each, '2026-11-23')).toEqual({ from, to }))
  test('the last month of January is December', () =>
    expect(stretchOf('last_month', '2026-01-05')).toEqual({ from: '2025-12-01', to: '2026-01-01' }))

  test.each([
    ['23/11/2026', '2026-11-23'],
    ['1.2.2026', '2026-02-01'],
    ['23/11', '2026-11-23'],
    [' 2026-11-23 ', '2026-11-23'],
    ['31/02/2026', null],
    ['hôm qua', null],
    ['', null],
  ])('the day "%s"', (text, iso) => expect(typedDay(text, '2026-11-23')).toBe(iso))
})

describe('address', () => {
  const place: LabView = {
    sql: "SELECT 'Huế' || '#&=+%' -- $unit\nFROM kpi_values",
    parameters: { unit: '19753', from: '2026-11-01' },
    chart: { kind: 'bar', x: 'unit', y: ['value', 'samples'], by: '' },
    tab: 'chart',
    saved: '7',
    question: '',
  }
  test.each([
    ['a short text', place],
    ['a long one', { ...place, sql: 'SELECT 1 AS á\n'.repeat(400) }],
    ['nothing', { sql: '', parameters: {}, chart: null, tab: null, saved: '', question: '' }],
  ])('%s comes back as it was', async (_, given) => {
    const { search, hash } = new URL(await linkOf(given, 'en'), 'http://centre')
    expect(search).toContain('lang=en')
    expect(await placeOf(search, hash)).toEqual(given)
  })

  test('a long text is shorter than it is', async () => {
    const sql = 'SELECT unit, value FROM kpi_values UNION ALL\n'.repeat(100)
    expect((await linkOf({ ...place, sql }, 'vi')).length).toBeLessThan(sql.length / 4)
  })

  test('from another page', () =>
    expect(labPath({ sql: 'SELECT $unit', parameters: { unit: '46' }, tab: 'chart' }, 'vi')).toBe(
      '/lab?p_unit=46&view=chart#sql=SELECT%20%24unit',
    ))

  test.each([
    ['a text that cannot be read', '', '#z=%%%'],
    ['half an escape', '', '#sql=%E1%BA'],
    ['a chart of no kind', '?chart=["pie","a",["b"],""]&view=pie', ''],
  ])('%s is nothing', async (_, search, hash) =>
    expect(await placeOf(search, hash)).toMatchObject({ sql: '', chart: null, tab: null }),
  )
})

describe('table', () => {
  const [time, value, year, name, flag, list] = faces(
    columns({ t: 'TIMESTAMP', v: 'DOUBLE', year: 'BIGINT', name: 'VARCHAR', b: 'BOOLEAN', l: 'INTEGER[]' }),
    [
      ['2026-11-23T08:15:00', 1234.5, 2026, 'Huế', true, [1, 2]],
      [null, 0.25, 2025, null, false, null],
    ],
    VI,
  )
  test.each([
    ['a time', '2026-11-23T08:15:00', time, '23/11/2026 08:15'],
    ['a time with seconds', '2026-11-23T08:15:07', time, '23/11/2026 08:15:07'],
    ['a number, as many decimals as its column', 1234.5, value, '1.234,50'],
    ['a negative one', -3, value, '−3,00'],
    ['a year', 2026, year, '2026'],
    ['beyond what a browser counts', '123456789012345678901', value, '123456789012345678901'],
    ['nothing', null, name, '—'],
    ['true', true, flag, '✓'],
    ['a list', [1, 2], list, '[1,2]'],
  ] as const)('%s', (_, cell, face, text) => expect(shown(cell as never, face as never, VI)).toBe(text))
  test('a long column is not wider than it may be', () =>
    expect(faces(columns({ a: 'VARCHAR' }), [['x'.repeat(999)]], VI)[0]?.width_px).toBe(380))

  test('copied for a spreadsheet', () =>
    expect(
      copied(
        ['a', 'b'],
        [
          ['x\ty', 1.5],
          [null, true],
        ],
      ),
    ).toBe('a\tb\nx y\t1.5\n\ttrue'))

  const rows: Row[] = [
    ['b', 2],
    ['a10', null],
    ['a9', 10],
    [null, -1],
  ]
  test.each([
    ['texts with numbers in them', 0, 1, ['a9', 'a10', 'b', null]],
    ['texts from the end, nothing stays last', 0, -1, ['b', 'a10', 'a9', null]],
    ['numbers', 1, 1, [-1, 2, 10, null]],
    ['numbers from the most', 1, -1, [10, 2, -1, null]],
  ] as const)('sorted: %s', (_, at, way, expected) =>
    expect(ordered(rows, at, at === 0 ? 'text' : 'number', way, 'vi').map((row) => row[at])).toEqual(expected),
  )

  const at = (row: number, column: number) => ({ row, column })
  const all = { rows: 100_000, columns: 3, page: 20 }
  test.each([
    ['down', 'ArrowDown', {}, at(6, 1)],
    ['a page down', 'PageDown', {}, at(25, 1)],
    ['to the first column', 'Home', {}, at(5, 0)],
    ['to the very end', 'End', { ctrl: true }, at(99_999, 2)],
    ['not above the top', 'PageUp', {}, at(0, 1)],
  ])('by key %s', (_, key, held, expected) => {
    const next = moved({ at: at(5, 1), from: at(5, 1) }, key, { shift: false, ctrl: false, ...held }, all)
    expect(next).toEqual({ at: expected, from: expected })
  })
  test('with shift the far corner stays', () => {
    const next = moved({ at: at(5, 1), from: at(5, 1) }, 'ArrowUp', { shift: true, ctrl: false }, all)
    expect(next && area(next)).toEqual({ top: 4, bottom: 5, left: 1, right: 1 })
    expect(next && [holds(area(next), 4, 1), holds(area(next), 4, 0)]).toEqual([true, false])
  })
  test.each(['a', 'Tab'])('%s leads nowhere', (key) =>
    expect(moved({ at: at(0, 0), from: at(0, 0) }, key, { shift: false, ctrl: false }, all)).toBeNull(),
  )

  test.each([
    [0, { first: 0, end: 26 }],
    [28 * 50_000, { first: 49_988, end: 50_026 }],
    [28 * 99_986, { first: 99_974, end: 100_000 }],
  ])('in sight after %d px', (scrolled, expected) => expect(inSight(scrolled, 392, 28, 100_000)).toEqual(expected))
  test.each([
    ['above', 2, 100, 56],
    ['in sight', 5, 100, 100],
    ['below', 30, 100, 468],
  ])('scrolled to a row %s', (_, row, scrolled, expected) => expect(scrollTo(row, scrolled, 400, 28)).toBe(expected))
})

describe('rows of a result', () => {
  const asked: number[] = []
  const result = (count: number) => {
    asked.length = 0
    return new ResultRows((offset, limit) => {
      asked.push(offset)
      return Promise.resolve({
        rows: Array.from({ length: Math.min(limit, count - offset) }, (_, i): Row => [count - offset - i]),
      })
    }, count)
  }
  test('only pages in sight are asked for, once', async () => {
    const rows = result(100_000)
    await Promise.all([rows.need(50_990, 51_010), rows.need(50_990, 51_010)])
    expect(asked).toEqual([50_000, 51_000])
    expect([rows.row(51_000), rows.row(0)]).toEqual([[49_000], undefined])
  })
  test('sorting fetches all', async () => {
    const rows = result(2500)
    await rows.sort({ at: 0, way: 1 }, columns({ n: 'BIGINT' }), 'vi')
    expect(asked).toEqual([0, 1000, 2000])
    expect(rows.row(0)).toEqual([1])
    expect((await rows.between(2498, 2500)).map(([n]) => n)).toEqual([2499, 2500])
    await rows.sort(null, columns({ n: 'BIGINT' }), 'vi')
    expect(rows.row(0)).toEqual([2500])
  })
  test('a page that failed is asked for again', async () => {
    let fails = true
    const rows = new ResultRows(() => (fails ? Promise.reject(new TypeError()) : Promise.resolve({ rows: [[1]] })), 1)
    await expect(rows.need(0, 1)).rejects.toThrow(TypeError)
    fails = false
    await rows.need(0, 1)
    expect(rows.row(0)).toEqual([1])
  })
})

describe('faults', () => {
  const sql = 'SELECT unit,\n  valu\nFROM kpi_values'
  test.each([
    ['the word at it', 2, 3, 'valu'],
    ['the end of a line: its last letter', 1, 13, ','],
    ['beyond the text', 9, 99, 's'],
    ['no column: the first word', 3, null, 'FROM'],
  ])('underlines %s', (_, line, at, marked) => {
    const place = stretch(sql, { message: '', line, column: at })
    expect(place && sql.slice(place.from, place.to)).toBe(marked)
  })
  test('without a line nothing is underlined', () =>
    expect(stretch(sql, { message: '', line: null, column: null })).toBeNull())

  test.each([
    [422, 'lab.trouble_sql', false],
    [408, 'lab.trouble_slow', true],
    [413, 'lab.trouble_large', false],
    [429, 'lab.trouble_queue', true],
    [503, 'lab.trouble_away', true],
    [500, 'lab.trouble_other', true],
  ])('%d is %s', (status, title, retry) =>
    expect(trouble(new Refused(status, 'words'))).toMatchObject({
      title,
      retry,
      fault: { message: 'words', line: null },
    }),
  )
  test('the place is in the errors', () => {
    const faults = [{ line: 2, column: 3, message: 'Binder Error' }] as never
    expect(trouble(new Refused(422, 'words', faults)).fault).toEqual({ message: 'Binder Error', line: 2, column: 3 })
  })
  test('silence', () => expect(trouble(new TypeError())).toMatchObject({ title: 'lab.trouble_silent', retry: true }))
  test.each([
    ['time', 'lab.trouble_slow', false],
    ['sql', 'lab.trouble_sql', false],
    ['memory', 'lab.trouble_failed', true],
  ] as const)('failed by %s', (kind, title, retry) =>
    expect(failed({ kind, error: { message: 'm', line: null, column: null } })).toMatchObject({ title, retry }),
  )
})

describe('offers', () => {
  const views: View[] = [
    {
      name: 'kpi_values',
      comment: { vi: 'Giá trị KPI', en: '' },
      columns: [column('kpi', 'VARCHAR'), column('unit', 'VARCHAR'), column('value', 'DOUBLE', 'Giá trị')],
    },
    {
      name: 'units',
      comment: { vi: 'Đơn vị', en: '' },
      columns: [column('code', 'VARCHAR'), column('name', 'VARCHAR')],
    },
  ]
  const known = {
    views,
    kpis: [
      { id: 'dossier.on_time_rate', name: { vi: 'Hồ sơ giải quyết đúng hạn', en: 'Dossiers on time' } },
      { id: 'prices.cpi', name: { vi: 'Giá tiêu dùng hàng hóa', en: 'Consumer prices' } },
    ],
    units: [{ code: '19753', name: 'Phường Phú Xuân' }],
    language: 'vi',
  } as unknown as Vocabulary
  const offered = (before: string, { after = '', inText = null as string | null, asked = false } = {}): string[] =>
    offers({ before, sql: before + after, inText }, known, speaker('vi'), asked)?.offers.map(({ text }) => text) ?? []

  test.each([
    ['columns of the view in the text', 'SELECT va', ' FROM kpi_values', 'value'],
    ['a view after FROM', 'SELECT * FROM k', '', 'kpi_values'],
    ['columns of any view where none is named yet', 'SELECT cod', '', 'code'],
    ['behind a name given to a view', 'SELECT u.na', ' FROM units AS u', 'name'],
    ['behind the view itself', 'SELECT units.c', ' FROM units', 'code'],
    ['parameters', 'WHERE unit = $u', '', '$unit'],
    ['words of DuckDB', 'SELECT * FROM t QUALI', '', 'qualify'],
    ['functions', 'SELECT time_b', '', 'time_bucket'],
  ])('%s first', (_, before, after, first) => expect(offered(before, { after })[0]).toBe(first))

  test.each([
    [
      'a KPI by its name without diacritics',
      "WHERE kpi = 'dung han",
      'dung han',
      ['dossier.on_time_rate', 'prices.cpi'],
    ],
    ['a KPI by its English name', "WHERE kpi = 'on time", 'on time', ['dossier.on_time_rate']],
    ['a KPI in a list', "WHERE kpi IN ('a', 'cpi", 'cpi', ['prices.cpi']],
    ['a unit by its name', "WHERE v.unit = 'phu xuan", 'phu xuan', ['19753']],
    ['either elsewhere', "SELECT '19", '19', ['19753']],
  ])('in a text: %s', (_, before, inText, expected) => expect(offered(before, { inText })).toEqual(expected))

  test.each([
    ['a new word', 'SELECT ', null],
    ['a new text', "SELECT '", ''],
    ['nothing after a number', 'SELECT 12', null],
  ])('%s: silent until it is asked for', (_, before, inText) => expect(offered(before, { inText })).toEqual([]))
  test('asked for by key', () => expect(offered('SELECT ', { asked: true }).length).toBeGreaterThan(20))
  test('a column behind a view that is not there', () =>
    expect(offered('SELECT x.a', { after: ' FROM units' })).toEqual([]))
  test('the comment comes along', () =>
    expect(
      offers({ before: 'SELECT kpi_values.val', sql: '', inText: null }, known, speaker('vi'), false)?.offers[0]?.more,
    ).toBe('kpi_values.value: Giá trị'))

  test.each([
    ['gia tri', ['kpi_values'], 3],
    ['ten', [], 0],
    ['code', ['units'], 1],
    ['', ['kpi_values', 'units'], 3],
  ])('the dictionary searched for "%s"', (wanted, names, n) => {
    const hits = found(views, wanted, 'vi')
    expect(hits.map(({ name }) => name)).toEqual(names)
    expect(hits[0]?.columns.length ?? 0).toBe(n)
  })
})

describe('what is sent for a value', () => {
  test.each([
    ['x', '4.5', 4.5],
    ['x', '4,5', 4.5],
    ['x', ' 12 ', 12],
    ['x', '-3', -3],
    ['x', '1.234,5', 1234.5],
    ['x', '1,234.5', 1234.5],
    ['x', '1.234', 1.234],
    ['x', '0,5', 0.5],
    ['x', '00123', '00123'],
    ['unit', '19753', '19753'],
    ['service', '1.004', '1.004'],
    ['from', '2026', '2026'],
    ['x', "'4.5'", '4.5'],
    ['x', 'Huế', 'Huế'],
    ['x', '12345678901234567890123', '12345678901234567890123'],
    ['x', '12345678901234,567', '12345678901234.567'],
    ['x', '', ''],
  ])('$%s = %s', (name, text, sent) => expect(boundValue(name, text)).toBe(sent))
  test('one mark with three digits behind it is said aloud', () => {
    expect(isAmbiguous('x', '1.234')).toBe(true)
    expect(isAmbiguous('x', '12.5')).toBe(false)
    expect(isAmbiguous('unit', '1.234')).toBe(false)
  })
})

describe('intervals', () => {
  const zone = 'Asia/Ho_Chi_Minh'
  const [face] = faces(columnsOf([{ name: 'took', type: 'INTERVAL' }]), [], { language: 'vi', zone })
  test.each([
    ['P25DT3H', '25 ngày 3 giờ'],
    ['P1Y2M', '1 năm 2 tháng'],
    ['P-1DT-2H', '-1 ngày -2 giờ'],
    ['PT0.5S', '0,5 giây'],
    ['PT0S', '0 giây'],
    ['infinity', 'infinity'],
  ])('%s is read as %s', (iso, text) => expect(shown(iso, face as Face, { language: 'vi', zone })).toBe(text))
})

describe('texts that a spreadsheet would run', () => {
  test.each([
    ['=1+1', "'=1+1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['+cmd', "'+cmd"],
    ['\r=1', "'\r=1"],
    ['-1,5', '-1,5'],
    ['+84', '+84'],
    ['a=b', 'a=b'],
  ])('%s', (text, made) => expect(inert(text)).toBe(made))
  test('are inert in what is copied and in files', () => {
    expect(copied(['v'], [['=1+1']])).toBe("v\n'=1+1")
    expect(csv(['v'], [['=1+1'], [-1]])).toBe("\ufeffv\r\n'=1+1\r\n-1\r\n")
  })
})
