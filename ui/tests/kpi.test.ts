import { describe, expect, test } from 'vitest'
import { reading, windowText, type Moment } from '../src/lib/kpi_values/reading'
import { targetStanding } from '../src/pages/wall/target_counts'
import { exact } from '../src/lib/format/numbers'
import { changeText, dayBefore, differenceText, distance } from '../src/lib/kpi_values/target'
import type { Definition } from '../src/lib/live/messages'
import { speaker } from '../src/lib/i18n'
import { kpi } from './values'

const at: Moment = {
  now_ms: Date.parse('2026-11-23T01:42:00Z'),
  zone: 'Asia/Ho_Chi_Minh',
  contact: 'connected',
  language: 'vi',
  say: speaker('vi'),
}

describe('what a tile says', () => {
  test.each([
    ['live', kpi(), 'live', '96,4', ''],
    ['zero is a value like any other', kpi({ value: 0 }), 'live', '0,0', ''],
    ['stale keeps its value and tells its time', kpi({ freshness: 'stale' }), 'stale', '96,4', 'Dữ liệu lúc 08:15'],
    [
      'stale since another day',
      kpi({ freshness: 'stale', as_of: '2026-11-21T01:15:00Z' }),
      'stale',
      '96,4',
      'Dữ liệu lúc 21/11 08:15',
    ],
    ['stale without a time', kpi({ freshness: 'stale', as_of: null }), 'stale', '96,4', 'Dữ liệu cũ'],
    [
      'too few samples',
      kpi({ freshness: 'insufficient', value: null, samples: 2, min_samples: 18 }),
      'insufficient',
      undefined,
      'Chưa đủ mẫu 2/18',
    ],
    [
      'a value on too few samples is not shown',
      kpi({ freshness: 'insufficient', samples: 2 }),
      'insufficient',
      undefined,
      'Chưa đủ mẫu 2/20',
    ],
    ['no data', kpi({ freshness: 'no_data', value: null }), 'no_data', undefined, 'Không có dữ liệu'],
    ['null is never live', kpi({ value: null }), 'no_data', undefined, 'Không có dữ liệu'],
    ['never sent', undefined, 'no_data', undefined, 'Không có dữ liệu'],
  ] as const)('%s', (_, value, freshness, text, reason) => {
    const said = reading(value, 1, at)
    expect([said.freshness, said.figure?.text, said.reason]).toEqual([freshness, text, reason])
  })

  test.each([
    ['a mark alone leaves live values live', 'marked', 'live'],
    ['a lost connection makes them stale', 'lost', 'stale'],
  ] as const)('%s', (_, contact, freshness) => expect(reading(kpi(), 1, { ...at, contact }).freshness).toBe(freshness))

  test.each([
    ['today', 'Hôm nay'],
    ['month', 'Tháng này'],
    ['now', 'Hiện có'],
    ['5m', '5 phút qua'],
    ['24h', '24 giờ qua'],
    ['7d', '7 ngày qua'],
    ['fortnight', 'fortnight'],
  ])('window %s', (window, text) => expect(windowText({ window } as Definition, at.say)).toBe(text))
})

describe('against the target', () => {
  test.each([
    ['too low', 96.4, { year: 2026, at_least: 98, basis: '' }, { goal: 98, missed: true, direction: 'down' }],
    ['high enough', 99, { year: 2026, at_least: 98, basis: '' }, { goal: 98, missed: false, direction: 'up' }],
    ['exactly at it', 98, { year: 2026, at_least: 98, basis: '' }, { goal: 98, missed: false }],
    ['too high', 212, { year: 2026, at_most: 100, basis: '' }, { goal: 100, missed: true, direction: 'up' }],
    ['low enough', 31, { year: 2026, at_most: 45, basis: '' }, { goal: 45, missed: false, direction: 'down' }],
    [
      'a bound of zero is a bound',
      3,
      { year: 2026, at_most: 0, basis: '' },
      { goal: 0, missed: true, direction: 'up' },
    ],
    [
      'the other bound given as null',
      96,
      { year: 2026, at_least: 98, basis: '', at_most: null },
      { goal: 98, missed: true },
    ],
  ])('%s', (_, value, target, expected) => expect(distance(value, target)).toMatchObject(expected))

  test('no target, no distance', () => expect(distance(5, null)).toBeNull())
  test('a target without bounds, no distance', () => expect(distance(5, { year: 2026, basis: '' })).toBeNull())

  test.each([
    ['whole', 98, '98'],
    ['with its own digits', 99.5, '99,5'],
    ['thousands', 2000, '2.000'],
  ])('goal %s', (_, goal, text) => expect(exact(goal, 'vi')).toBe(text))

  test.each([
    ['plain', -1.6, 1, '−1,6'],
    ['small is not written as zero', -0.04, 1, '−0,04'],
    ['very small stops at two more digits', -0.0001, 1, '0,000'],
    ['zero', 0, 1, '0,0'],
  ])('difference %s', (_, difference, digits, text) => expect(differenceText(difference, digits, 'vi')).toBe(text))

  test.each([
    ['absolute below a thousand', 46, 45, '+1'],
    ['percent from a thousand on', 1284, 1190, '+8 %'],
    ['a multiple from tenfold on', 1_284_911, 1880, '×683'],
    ['before was zero', 4, 0, '+4'],
  ])('change %s', (_, value, before, text) => expect(changeText(value, before, 0, 'vi')).toBe(text))

  test.each([
    [
      'nearest point',
      [
        ['2026-11-22T01:30:00Z', 5],
        ['2026-11-22T02:00:00Z', 7],
      ],
      5,
    ],
    [
      'a gap is no value',
      [
        ['2026-11-22T01:30:00Z', null],
        ['2026-11-22T02:00:00Z', 7],
      ],
      7,
    ],
    ['too far away', [['2026-11-22T03:00:00Z', 7]], null],
    ['no history', [], null],
  ] as [string, [string, number | null][], number | null][])('a day before: %s', (_, rows, expected) => {
    const points = rows.map(([time, value]) => ({ time, value, samples: 1 }))
    expect(dayBefore(points, at.now_ms, 1_800_000)).toBe(expected)
  })

  test('together: only live values are judged, the farthest first', () => {
    const values = [
      kpi({ id: 'near' }),
      kpi({ id: 'far', value: 212, target: { year: 2026, at_most: 100, basis: '' } }),
      kpi({ id: 'met', value: 99 }),
      kpi({ id: 'stale', value: 1, freshness: 'stale' }),
      kpi({ id: 'aimless', target: null }),
      undefined,
    ]
    const { met, all, missed } = targetStanding(values)
    expect([met, all, missed.map(({ value }) => value.id)]).toEqual([1, 3, ['far', 'near']])
  })
})
