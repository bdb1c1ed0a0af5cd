import { describe, expect, test } from 'vitest'
import type { Ledger, SourceState } from '../src/lib/live/messages'
import { account, bar, imbalance, online, troubles } from '../src/pages/wall/sources_bar'
import { speaker } from '../src/lib/i18n'

const NOW = Date.parse('2026-11-23T01:42:00Z')
const say = speaker('vi')
const source = (name: string, other: Partial<SourceState>): SourceState => ({
  source: name,
  kind: 'http_poll',
  name: { vi: name, en: name },
  condition: 'live',
  lag_s: 2,
  last_success: '2026-11-23T01:30:00Z',
  expected_every_s: 60,
  received: 0,
  rejected: 0,
  duplicate: 0,
  buffered: 0,
  rate_per_s: 0,
  reported_at: '2026-11-23T01:30:00Z',
  error: '',
  error_code: '',
  error_params: {},
  error_nested: {},
  ...other,
})

describe('sources', () => {
  test('one that waits for nothing in particular is not missing', () =>
    expect(online([source('a', {}), source('b', { condition: 'waiting' })])).toEqual({ online: 1, all: 1 }))

  test('only live ones are online', () =>
    expect(
      online([source('a', {}), source('b', { condition: 'starting' }), source('c', { condition: 'late' })]),
    ).toEqual({ online: 1, all: 3 }))

  test.each([
    ['late by its lag', { condition: 'late', lag_s: 2820 }, 'a: trễ 47 phút'],
    ['late without a lag: since the last success', { condition: 'late', lag_s: null }, 'a: trễ 12 phút'],
    ['away since the last success', { condition: 'unavailable' }, 'a: mất kết nối 12 phút'],
    ['failing, never once good', { condition: 'failing', last_success: null }, 'a: lỗi'],
    ['refused', { condition: 'refusing' }, 'a: bị từ chối 12 phút'],
  ] as [string, Partial<SourceState>, string][])('%s', (_, state, text) =>
    expect(troubles([source('a', state)], NOW, 'vi', say)).toEqual([{ source: 'a', text }]),
  )

  test('the worst come first; what is counted as not online is named, also when it is only starting', () => {
    const all = [
      source('l', { condition: 'late' }),
      source('ok', {}),
      source('new', { condition: 'starting' }),
      source('u', { condition: 'unavailable' }),
      source('r', { condition: 'refusing' }),
      source('f', { condition: 'failing' }),
    ]
    expect(troubles(all, NOW, 'vi', say).map((trouble) => trouble.source)).toEqual(['r', 'f', 'u', 'l', 'new'])
  })
})

describe('ledger', () => {
  const ledger: Ledger = {
    balanced: true,
    received: 4812906,
    applied: 4811452,
    rejected: 1434,
    duplicate: 20,
    in_flight: 0,
  }
  test('in full', () =>
    expect(account(ledger, 'vi', say)).toBe('4.812.906 nhận = 4.811.452 ghi + 1.434 loại + 20 trùng'))
  test('what is on its way is told', () =>
    expect(account({ ...ledger, in_flight: 12 }, 'vi', say)).toMatch(/ \+ 12 chờ$/))
  test.each([
    ['balanced', {}, 0],
    ['one is missing', { applied: 4811451 }, 1],
    ['one too many', { duplicate: 21 }, -1],
  ])('%s', (_, other, missing) => expect(imbalance({ ...ledger, ...other })).toBe(missing))
})

describe('what fits the bar', () => {
  const wrong = ['aaaaaaaaaa', 'bbbbbbbbbb', 'cccccccccc'].map((text) => ({ source: text, text }))
  test.each([
    ['all beside the account in full', 100, 'full account', 3, 0],
    ['all beside the brief account', 47, 'brief', 3, 0],
    ['the worst and how many are left', 34, 'brief', 1, 2],
    ['at least the worst, however narrow', 1, 'brief', 1, 2],
  ])('%s', (_, room, told, shown, left) => {
    const result = bar(wrong, 'full account', 'brief', room)
    expect([result.account, result.shown.length, result.left]).toEqual([told, shown, left])
  })
  test('nothing wrong', () =>
    expect(bar([], 'full account', 'brief', 20)).toEqual({ account: 'full account', shown: [], left: 0 }))
})
