import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ServerClock } from '../src/lib/live/clock'
import { address } from '../src/lib/live/connection'
import { isInBeing } from '../src/lib/api/descriptions'
import { paced } from '../src/lib/live/pace'
import type { Message, Unit } from '../src/lib/live/messages'
import { backOff_ms, contact } from '../src/lib/live/silence'
import { apply, kpiKey, NOTHING_YET, type Live } from '../src/lib/live/store'
import { kpi } from './values'

const hello = (epoch: string, version = 1): Message => ({
  type: 'hello',
  version,
  epoch,
  seq: 9,
  server_time: '2026-11-23T01:42:00Z',
})
const source = (condition: string) => ({ source: 'air', condition }) as never
const snap: Message = {
  type: 'snap',
  seq: 5,
  kpis: [kpi(), kpi({ unit: '19753', value: 3 })],
  sources: [source('live')],
  alerts: [],
}

function after(...messages: Message[]): { live: Live; resync: boolean } {
  let step = { live: NOTHING_YET, resync: false }
  for (const message of messages) step = apply(step.live, message)
  return step
}
const value = (live: Live, unit = '46') => live.kpis.get(kpiKey('dossier.on_time_rate', unit))?.value

describe('live store', () => {
  test('a full state, then keyed changes', () => {
    const { live } = after(hello('e'), snap, { type: 'delta', prev: 5, seq: 8, kpis: [kpi({ value: 97 })] })
    expect([value(live), value(live, '19753'), live.seq, live.complete]).toEqual([97, 3, 8, true])
  })

  test('what did not change keeps its identity', () => {
    const first = after(hello('e'), snap).live
    const { live } = apply(first, { type: 'delta', prev: 5, seq: 6, sources: [source('late')] })
    expect(live.kpis).toBe(first.kpis)
    expect(live.sources).not.toBe(first.sources)
  })

  test('an earlier state is never changed', () => {
    const first = after(hello('e'), snap).live
    apply(first, { type: 'delta', prev: 5, seq: 6, kpis: [kpi({ value: 1 })] })
    expect(value(first)).toBe(96.4)
  })

  test('a removed source goes', () => {
    const { live } = after(hello('e'), snap, {
      type: 'delta',
      prev: 5,
      seq: 6,
      sources: [{ source: 'air', removed: true }],
    })
    expect(live.sources.size).toBe(0)
  })

  test('a new full state replaces all', () => {
    const { live } = after(hello('e'), snap, { type: 'snap', seq: 20, kpis: [kpi({ unit: '19753' })] })
    expect([live.kpis.size, live.sources.size, live.seq, live.epoch]).toEqual([1, 0, 20, 'e'])
  })

  test.each([
    ['a gap', [hello('e'), snap, { type: 'delta', prev: 6, seq: 7 }]],
    ['a change that was there already', [hello('e'), snap, { type: 'delta', prev: 4, seq: 5 }]],
    ['a change before the full state', [hello('e'), { type: 'delta', prev: 5, seq: 6 }]],
    [
      'a change after another epoch, before its full state',
      [hello('e'), snap, hello('f'), { type: 'delta', prev: 5, seq: 6 }],
    ],
    ['a version that this page does not speak', [hello('e', 2)]],
  ] as [string, Message[]][])('%s asks for the full state', (_, messages) =>
    expect(after(...messages).resync).toBe(true),
  )

  test('another epoch keeps the old values until its full state', () => {
    const { live } = after(hello('e'), snap, hello('f'))
    expect([value(live), live.complete]).toEqual([96.4, false])
  })

  test('the same epoch goes on where it was', () => {
    const { live, resync } = after(hello('e'), snap, hello('e'), {
      type: 'delta',
      prev: 5,
      seq: 6,
      kpis: [kpi({ value: 97 })],
    })
    expect([value(live), resync]).toEqual([97, false])
  })

  test('a heartbeat changes nothing', () => {
    const first = after(hello('e'), snap).live
    expect(apply(first, { type: 'hb', seq: 7, server_time: '2026-11-23T01:42:00Z' }).live).toBe(first)
  })
})

describe('connection', () => {
  const full = after(hello('e/1'), snap).live
  test.each([
    ['at the start', NOTHING_YET, true, 'ws://h/ws/v1?topics=kpis,alerts,sources'],
    ['to resume', full, true, 'ws://h/ws/v1?topics=kpis,alerts,sources&epoch=e%2F1&seq=5'],
    ['to resync', full, false, 'ws://h/ws/v1?topics=kpis,alerts,sources'],
  ])('address %s', (_, live, resume, expected) => expect(address('ws://h', live, resume)).toBe(expected))

  test.each([
    [0, 'connected'],
    [2.9, 'connected'],
    [3, 'marked'],
    [9.9, 'marked'],
    [10, 'lost'],
  ] as const)('%s s of silence: %s', (silent_s, expected) => expect(contact(silent_s)).toBe(expected))

  test.each([
    [0, 0.5, 250],
    [1, 0.5, 500],
    [3, 0.5, 2000],
    [50, 0.5, 2000],
    [0, 0, 188],
    [4, 1, 2500],
  ])('attempt %s with chance %s waits %s ms', (attempt, chance, expected) =>
    expect(backOff_ms(attempt, chance)).toBe(expected),
  )

  test('the clock is the centre’s, run on by ours', () => {
    const clock = new ServerClock(1000, 0)
    clock.set(5_000_000, 100)
    clock.set(Number.NaN, 150)
    expect(clock.now(350)).toBe(5_000_250)
  })
})

describe('pace', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('a hundred calls in a second paint three times: at once, and each half second', () => {
    const paint = vi.fn()
    const ask = paced(paint, 500)
    for (let i = 0; i < 100; i += 1) {
      ask()
      vi.advanceTimersByTime(10)
    }
    expect(paint).toHaveBeenCalledTimes(3)
    vi.advanceTimersByTime(5000)
    expect(paint).toHaveBeenCalledTimes(3)
  })

  test('the last call is painted', () => {
    let shown = 0
    let newest = 0
    const ask = paced(() => (shown = newest), 500)
    for (newest = 1; newest <= 3; newest += 1) ask()
    newest = 3
    vi.advanceTimersByTime(500)
    expect(shown).toBe(3)
  })
})

describe('units in being', () => {
  test.each([
    [{}, true],
    [{ valid_from: '2027-01-01' }, false],
    [{ valid_from: '2026-12-31' }, true],
    [{ valid_to: '2026-12-31' }, false],
    [{ valid_to: '2027-01-01' }, true],
    [{ valid_from: null, valid_to: null }, true],
  ])('%j on 31/12/2026', (validity, expected) => expect(isInBeing(validity as Unit, '2026-12-31')).toBe(expected))
})
