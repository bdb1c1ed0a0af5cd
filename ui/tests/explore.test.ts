import { describe, expect, test } from 'vitest'
import { explorePath, shown } from '../src/lib/address/explore_address'
import { compareOption, type Drawn } from '../src/pages/explore/compare_chart'
import { multiples, ordered, path, scale } from '../src/pages/explore/small_chart_layout'
import type { Series } from '../src/pages/explore/shapes'
import { partialText, periodName, places_ms, provisional } from '../src/pages/explore/periods'
import { bounds_ms, coarse, count, fitting, isSpan, presetSpan, stepOf } from '../src/lib/format/day_ranges'
import { speaker } from '../src/lib/i18n'

const ZONE = 'Asia/Ho_Chi_Minh'
const NOW = Date.parse('2026-11-23T01:30:00Z') // 08:30 in the province
const DAY = 86_400_000

describe('the address', () => {
  test.each([
    ['nothing', ''],
    ['a KPI', '?kpi=dossier.on_time_rate'],
    [
      'all of it',
      '?kpi=a.b&also=c.d%2Ce&units=46%2C19753&from=2026-01-01&to=2026-03-31&step=7d&view=parts&last=1&forecast=1',
    ],
    ['a preset', '?kpi=a&range=1y&view=communes'],
  ])('comes back as it was: %s', (_, search) => {
    expect(explorePath(shown(search))).toBe(`/explore${search}`)
  })

  test.each([
    ['a range that is none', '?range=ever', { range: '90d' }],
    ['days the wrong way round', '?from=2026-03-01&to=2026-01-01', { span: null }],
    ['a day that is none', '?from=2026-13-01&to=2026-14-01', { span: null }],
    ['a KPI below itself, and twice', '?kpi=a&also=b,a,b', { also: ['b'] }],
    ['KPIs below none', '?also=b', { also: [] }],
    ['a view that is none', '?view=x', { view: 'compare' }],
    ['a unit twice', '?units=46,46,', { units: ['46'] }],
    ['one unit, as other pages say it', '?unit=19753', { units: ['19753'] }],
  ])('what is unfit is as if it were not there: %s', (_, search, expected) => {
    expect(shown(search)).toMatchObject(expected)
  })
})

describe('time', () => {
  test('presets are days of the province', () => {
    expect(presetSpan('30d', NOW, ZONE)).toEqual({ from: '2026-10-24', to: '2026-11-23' })
    expect(presetSpan('ytd', NOW, ZONE).from).toBe('2026-01-01')
    expect(presetSpan('7d', Date.parse('2026-11-22T18:00:00Z'), ZONE).to).toBe('2026-11-23')
  })

  test('points of days end at the last midnight', () => {
    const { from_ms, to_ms } = bounds_ms({ from: '2026-11-01', to: '2026-11-23' }, '1d', NOW, ZONE)
    expect(new Date(from_ms).toISOString()).toBe('2026-10-31T17:00:00.000Z')
    expect(new Date(to_ms).toISOString()).toBe('2026-11-22T17:00:00.000Z')
  })

  test('weeks end where the range ends', () => {
    const { from_ms, to_ms } = bounds_ms({ from: '2026-10-01', to: '2026-11-20' }, '7d', NOW, ZONE)
    expect(new Date(to_ms).toISOString()).toBe('2026-11-20T17:00:00.000Z')
    expect((to_ms - from_ms) % (7 * DAY)).toBe(0)
  })

  test('hours end at the last whole one', () => {
    const { to_ms } = bounds_ms({ from: '2026-11-23', to: '2026-11-23' }, '1h', NOW, ZONE)
    expect(new Date(to_ms).toISOString()).toBe('2026-11-23T01:00:00.000Z')
  })

  test.each([
    ['7d', '6h'],
    ['30d', '1d'],
    ['90d', '1d'],
    ['1y', '7d'],
    ['3y', '1M'],
  ] as const)('%s is shown in steps of %s', (preset, step) => {
    const span = presetSpan(preset, NOW, ZONE)
    expect(['1h', '6h', '1d', '7d', '1M']).toContain(stepOf('', span, ZONE))
    expect(count(span, stepOf('', span, ZONE), ZONE)).toBeLessThanOrEqual(160)
    expect(fitting(span, ZONE)).toContain(step)
    expect(count(span, coarse(span, ZONE), ZONE)).toBeLessThanOrEqual(36)
  })

  test('a step that makes too many points gives way', () => {
    expect(stepOf('1h', presetSpan('1y', NOW, ZONE), ZONE)).not.toBe('1h')
    expect(stepOf('1d', presetSpan('1y', NOW, ZONE), ZONE)).toBe('1d')
  })

  test('a span is two days in their order', () => {
    expect(isSpan({ from: '2026-01-01', to: '2026-01-01' })).toBe(true)
    expect(isSpan({ from: '2026-01-02', to: '2026-01-01' })).toBe(false)
    expect(isSpan({ from: '', to: '2026-01-01' })).toBe(false)
  })
})

const series = (rows: Record<string, (number | null)[]>): Series => ({
  id: 'k',
  step: '1d',
  times: ['2026-11-20T17:00:00Z', '2026-11-21T17:00:00Z', '2026-11-22T17:00:00Z'],
  series: Object.entries(rows).map(([unit, values]) => ({ unit, values, samples: values.map(() => 3), restated: [] })),
  periods: [],
  last_year: null,
  targets: [{ year: 2026, at_least: 5, basis: '', from: '2025-12-31T17:00:00Z', to: '2026-12-31T17:00:00Z' }],
  snapshot: { taken_at: '2026-11-23T01:00:00Z' },
})

describe('small charts', () => {
  const rows = multiples(series({ a: [1, null, 3], b: [2, 2, 1], c: [null, null, null] }), new Map())

  test.each([
    ['last_down', 'abc'],
    ['last_up', 'bac'],
    ['change', 'abc'],
    ['name', 'abc'],
  ] as const)('in the order %s those without a figure are last', (order, expected) => {
    expect(
      ordered(rows, order)
        .map(({ unit }) => unit)
        .join(''),
    ).toBe(expected)
  })

  test('one scale for all, with a target that is near', () => {
    expect(scale(rows, 4)).toEqual({ least: 1, most: 4 })
    expect(scale(rows, 98)).toEqual({ least: 1, most: 3 })
    expect(scale(rows.slice(2), null)).toBeNull()
  })

  test('a gap is a gap, a lone point a stroke', () => {
    const of = { least: 0, most: 10 }
    expect(path([1, null, 3], of).match(/M/g)).toHaveLength(2)
    expect(path([1, null, 3], of).match(/h/g)).toHaveLength(2)
    expect(path([1, 2, 3], of).match(/[ML]/g)?.join('')).toBe('MLL')
    expect(path([null, null], of)).toBe('')
  })
})

describe('the chart', () => {
  const drawn = (of: Series, forecast: Drawn['forecast'] = null): Drawn => ({
    series: of,
    forecast,
    units: new Map(),
    digits: 1,
    unitOfMeasure: '%',
    zone: ZONE,
    language: 'vi',
    say: speaker('vi'),
  })
  const lines = (of: Drawn): { id: string; data: [number, number | null][]; markLine?: { data: unknown[] } }[] =>
    compareOption(of).series as never

  test('times are moved to the province, gaps stay', () => {
    const [first] = lines(drawn(series({ a: [1, null, 3] })))
    expect(first?.data).toEqual([
      [Date.parse('2026-11-21T00:00:00Z'), 1],
      [Date.parse('2026-11-22T00:00:00Z'), null],
      [Date.parse('2026-11-23T00:00:00Z'), 3],
    ])
  })

  test('the target is drawn where it is not far away', () => {
    expect(lines(drawn(series({ a: [4, 5, 6] })))[0]?.markLine?.data).toHaveLength(1)
    expect(lines(drawn(series({ a: [400, 500, 600] })))[0]?.markLine?.data).toHaveLength(0)
  })

  test('the band stands on its lower edge', () => {
    const forecast = {
      id: 'a',
      unit: '46',
      snapshot: { taken_at: '2026-12-01T00:00:00Z' },
      year: 2026,
      reason: '',
      reason_message: null,
      step_days: 1,
      season: 7,
      history: 300,
      origins: 8,
      behaviour: 'level' as const,
      scores: [],
      path: [{ time: '2026-12-31T17:00:00Z', value: 5, low: 4, high: 7 }],
      target: null,
      chance: null,
    }
    const found = new Map(lines(drawn(series({ a: [4, 5, 6] }), forecast)).map((line) => [line.id, line.data[0]?.[1]]))
    expect([found.get('band-low'), found.get('band'), found.get('forecast')]).toEqual([4, 3, 5])
  })
})

describe('the time that a point covers', () => {
  const say = speaker('vi')
  const covered = (
    from: string | null,
    to: string,
    partial: '' | 'running' | 'data' = '',
  ): { from: string | null; to: string; partial: '' | 'running' | 'data' } => ({ from, to, partial })

  test.each([
    ['a whole month', covered('2026-08-31T17:00:00Z', '2026-09-30T17:00:00Z'), 'Tháng 09/2026'],
    ['a whole quarter', covered('2026-06-30T17:00:00Z', '2026-09-30T17:00:00Z'), 'Quý III/2026'],
    ['a whole year', covered('2025-12-31T17:00:00Z', '2026-12-31T17:00:00Z'), 'Năm 2026'],
    ['the month so far', covered('2026-10-31T17:00:00Z', '2026-11-22T17:00:00Z', 'running'), 'Chủ Nhật, 22/11/2026'],
    [
      'three months that are no quarter',
      covered('2026-07-31T17:00:00Z', '2026-10-31T17:00:00Z'),
      'Thứ Bảy, 31/10/2026',
    ],
    ['no beginning', covered(null, '2026-09-30T17:00:00Z'), 'Thứ Tư, 30/09/2026'],
  ])('%s', (_, of, expected) => {
    expect(periodName(of, ZONE, say)).toBe(expected)
  })

  test('part of a period says so', () => {
    expect(partialText(covered('2026-10-31T17:00:00Z', '2026-11-22T17:00:00Z', 'running'), ZONE, say)).toBe(
      'tạm tính đến Chủ Nhật, 22/11/2026',
    )
    expect(partialText(covered(null, '2026-11-22T17:00:00Z'), ZONE, say)).toBe('')
  })

  test('September stands at September on the axis', () => {
    expect(places_ms(['2026-09-30T17:00:00Z'], '1M', ZONE)).toEqual([Date.UTC(2026, 8, 1)])
    expect(places_ms(['2026-09-30T17:00:00Z'], '1d', ZONE)).toEqual([Date.UTC(2026, 9, 1)])
  })

  test('what is dotted: before data were whole, and the running period at the end', () => {
    const of = (...partial: ('' | 'running' | 'data')[]): boolean[] =>
      provisional({
        ...series({}),
        times: partial.map(() => ''),
        periods: partial.map((one) => covered(null, '', one)),
      })
    expect(of('data', '', 'running', 'running')).toEqual([true, false, true, true])
    expect(of('running', '', 'running', '')).toEqual([false, false, false, false])
  })
})
