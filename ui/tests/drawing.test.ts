import { describe, expect, test } from 'vitest'
import { bubbles, type Spot } from '../src/lib/map/bubbles'
import type { Centroid } from '../src/lib/map/insets'
import { communeStates } from '../src/lib/map/communes'
import type { Alert, Unit } from '../src/lib/live/messages'
import { trend, type Span } from '../src/pages/wall/trend_path'
import { nextTurn, REFRESH_EVERY_MS, RETRY_AFTER_MS } from '../src/pages/wall/refresh_order'
import { tileSpans } from '../src/pages/wall/layout'
import { kpi } from './values'

const BOX = { width: 100, height: 40, margin: 0 }
const HOUR = 3_600_000
const SPAN: Span = { from_ms: 0, to_ms: 10 * HOUR, step_ms: HOUR, digits: 0 }
const points = (...values: (number | null)[]) =>
  values.map((value, i) => ({ time: new Date(i * HOUR).toISOString(), value, samples: 1 }))

describe('trend', () => {
  test.each([
    [
      'a line through the values, high is up',
      points(0, 10, 5),
      null,
      'M0 40L10 0L20 20',
      { x: 20, y: 20 },
      'M20 20H100',
    ],
    ['a gap is not crossed', points(0, null, 10, 10), null, 'M0 40h0M20 0L30 0', { x: 30, y: 0 }, 'M30 0H100'],
    [
      'a missing point is a gap too',
      [points(0)[0]!, points(0, 0, 10)[2]!],
      null,
      'M0 40h0M20 0h0',
      { x: 20, y: 0 },
      'M20 0H100',
    ],
    [
      'the value now ends it, nothing is dotted',
      points(0, 10),
      { time: 2 * HOUR, value: 10 },
      'M0 40L10 0L20 0',
      { x: 20, y: 0 },
      'M20 0H100',
    ],
    [
      'what lies after the stale value is left out',
      points(0, 10, 3),
      { time: 1.2 * HOUR, value: 10 },
      'M0 40L10 0L12 0',
      { x: 12, y: 0 },
      'M12 0H100',
    ],
    ['nearly flat is drawn flat', points(7, 7, 7), null, 'M0 20L10 20L20 20', { x: 20, y: 20 }, 'M20 20H100'],
    ['nothing', points(), null, '', null, ''],
    ['only gaps', points(null, null), null, '', null, ''],
  ])('%s', (_, given, last, lines, end, rest) => expect(trend(given, last, SPAN, BOX)).toEqual({ lines, end, rest }))

  test('up to now: no dots', () => expect(trend(points(0, 10), { time: 10 * HOUR, value: 1 }, SPAN, BOX).rest).toBe(''))
  test('what is older than the span is left out', () =>
    expect(trend(points(0, 10, 5), null, { ...SPAN, from_ms: HOUR }, BOX).lines).toMatch(/^M0 0L/))
})

describe('turns', () => {
  const turn = (asked_ms: number, failed = false) => ({ asked_ms, failed })
  test.each([
    ['one never asked for comes first', { a: turn(0) }, 1, 'b'],
    ['none is due', { a: turn(0), b: turn(0) }, 1000, null],
    ['the longest waiting', { a: turn(500), b: turn(0) }, REFRESH_EVERY_MS + 600, 'b'],
    ['a failed one sooner', { a: turn(0), b: turn(0, true) }, RETRY_AFTER_MS, 'b'],
  ])('%s', (_, turns, now, expected) =>
    expect(nextTurn(['a', 'b'], new Map(Object.entries(turns)), now)).toBe(expected),
  )
})

describe('bubbles', () => {
  const grid = (n: number, spread: number): Centroid[] =>
    Array.from({ length: n }, (_, i) => ({
      code: String(i),
      latitude: 16 + (i % 7) * spread,
      longitude: 107 + Math.floor(i / 7) * spread,
    }))

  test.each([
    ['forty communes', grid(40, 0.1), 55, 60],
    ['a hundred and sixty-eight', grid(168, 0.1), 55, 60],
    ['crowded in one town', [...grid(36, 0.0001), ...grid(4, 1).map((p) => ({ ...p, code: `far${p.code}` }))], 55, 60],
    ['all at one place', grid(12, 0), 55, 60],
    ['a narrow column', grid(40, 0.1), 36, 36],
    ['one', grid(1, 0), 55, 60],
  ])('%s: none overlap, all inside, equal size', (_, places, width, height) => {
    const { diameter, spots } = bubbles(places, width, height, 5.6)
    expect(spots).toHaveLength(places.length)
    for (const [i, a] of spots.entries()) {
      expect(Math.min(a.x, a.y, width - a.x, height - a.y)).toBeGreaterThanOrEqual(diameter / 2 - 0.02)
      for (const b of spots.slice(i + 1))
        expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThanOrEqual(diameter * 0.99)
    }
  })

  test('the same places give the same picture', () =>
    expect(bubbles(grid(40, 0.02), 55, 60, 5.6)).toEqual(bubbles(grid(40, 0.02), 55, 60, 5.6)))

  test('north is up and east is right', () => {
    const [south, north, east] = bubbles(
      [
        { code: 's', latitude: 16, longitude: 107 },
        { code: 'n', latitude: 17, longitude: 107 },
        { code: 'e', latitude: 16, longitude: 108 },
      ],
      100,
      100,
      5,
    ).spots as [Spot, Spot, Spot]
    expect(north.y).toBeLessThan(south.y)
    expect(east.x).toBeGreaterThan(south.x)
  })

  test('no room, no bubbles', () => expect(bubbles(grid(3, 1), 0, 0, 5).spots).toEqual([]))
})

describe('communes', () => {
  const unit = (code: string) => ({ code }) as Unit
  const alert = (unit: string, severity: number) => ({ unit, severity }) as Alert
  test.each([
    ['live value of data: normal', [kpi({ unit: 'a' })], [], false, { severity: null, hearing: 'normal' }],
    [
      'live, but made of nothing: nothing occurred',
      [kpi({ unit: 'a', value: 0, samples: 0 })],
      [],
      false,
      { hearing: 'quiet' },
    ],
    [
      'one value of data is enough',
      [kpi({ unit: 'a', value: 0, samples: 0 }), kpi({ unit: 'a' })],
      [],
      false,
      { hearing: 'normal' },
    ],
    ['no value: never reported', [], [], false, { severity: null, hearing: 'never' }],
    [
      'only zeros of what it never reported',
      [kpi({ unit: 'a', value: 0, samples: 0, reported: false })],
      [],
      false,
      { hearing: 'never' },
    ],
    [
      'only stale values: silent',
      [kpi({ unit: 'a', freshness: 'stale' })],
      [],
      false,
      { severity: null, hearing: 'silent' },
    ],
    ['a value of another unit does not count', [kpi({ unit: 'b' })], [], false, { severity: null, hearing: 'never' }],
    ['connection lost: silent', [kpi({ unit: 'a' })], [], true, { severity: null, hearing: 'silent' }],
    ['connection lost: who never reported still never did', [], [], true, { severity: null, hearing: 'never' }],
    [
      'the worst alert counts',
      [kpi({ unit: 'a' })],
      [alert('a', 3), alert('a', 1), alert('b', 2)],
      false,
      { severity: 1, hearing: 'normal' },
    ],
  ])('%s', (_, kpis, alerts, lost, expected) =>
    expect(communeStates([unit('a')], kpis, alerts, lost)[0]).toMatchObject(expected),
  )
})

test.each([
  [0, []],
  [1, [6]],
  [7, [6, 3, 3, 3, 3, 3, 3]],
  [8, [3, 3, 3, 3, 3, 3, 3, 3]],
  [9, [2, 2, 2, 2, 2, 2, 2, 2, 2]],
  [10, [3, 3, 3, 3, 2, 2, 2, 2, 2, 2]],
  [11, [3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2]],
])('%s tiles fill whole rows', (tiles, spans) => expect(tileSpans(tiles)).toEqual(spans))
