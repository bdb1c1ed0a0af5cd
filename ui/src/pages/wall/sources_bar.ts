/** Sources as the freshness bar tells of them. */

import { duration } from '../../lib/format/times'
import { number } from '../../lib/format/numbers'
import { named, type Language, type Say } from '../../lib/i18n'
import type { Condition, Ledger, SourceState } from '../../lib/live/messages'

export type Trouble = { source: string; text: string }

const WORST_FIRST = ['refusing', 'failing', 'unavailable', 'late', 'starting'] as const
type Wrong = SourceState & { condition: (typeof WORST_FIRST)[number] }

/** One that waits (nothing has come, nothing is expected at any time) is neither here nor missing. */
export function online(sources: Iterable<SourceState>): { online: number; all: number } {
  const list = [...sources].filter((source) => source.condition !== 'waiting')
  return { online: list.filter((source) => source.condition === 'live').length, all: list.length }
}

/** What is wrong with which source, and for how long, the worst first, then by source; those that are only starting
 * come last, and are named because they are counted. */
export function troubles(sources: Iterable<SourceState>, now_ms: number, language: Language, say: Say): Trouble[] {
  return [...sources]
    .filter(isWrong)
    .sort((a, b) => rank(a) - rank(b) || (a.source < b.source ? -1 : 1))
    .map((source) => ({
      source: source.source,
      text: `${named(source.name, language)}: ${wrong(source, now_ms, say)}`,
    }))
}

function wrong(source: Wrong, now_ms: number, say: Say): string {
  const since_s = source.last_success === null ? null : (now_ms - Date.parse(source.last_success)) / 1000
  const length_s = source.condition === 'late' ? (source.lag_s ?? since_s) : since_s
  const said = say(`source.${source.condition}`)
  return length_s === null ? said : `${said} ${duration(length_s, say)}`
}

const isWrong = (source: SourceState): source is Wrong =>
  (WORST_FIRST as readonly Condition[]).includes(source.condition)

const rank = (source: Wrong): number => WORST_FIRST.indexOf(source.condition)

/** "4.812 nhận = 4.811 ghi + 1 loại + 0 trùng": both sides of the account in full. */
export function account(ledger: Ledger, language: Language, say: Say): string {
  const n = (value: number): string => number(value, 0, language)
  const filled = {
    received: n(ledger.received),
    applied: n(ledger.applied),
    rejected: n(ledger.rejected),
    duplicate: n(ledger.duplicate),
  }
  const flying = ledger.in_flight > 0 ? ` + ${say('ledger.in_flight', { n: n(ledger.in_flight) })}` : ''
  return say('ledger.account', filled) + flying
}

/** What is missing on the right side of the account; negative when it holds too much. */
export function imbalance(ledger: Ledger): number {
  return ledger.received - ledger.applied - ledger.rejected - ledger.duplicate - ledger.in_flight
}

export type Bar = { account: string; shown: Trouble[]; left: number }

/** What fits in `room` characters: every trouble beside the account in full, or beside `brief`; else the worst ones, at
 * least one, and how many are left. */
export function bar(wrong: readonly Trouble[], full: string, brief: string, room: number): Bar {
  const all = wrong.reduce((length, { text }) => length + text.length + TROUBLE, 0)
  for (const account of [full, brief]) if (account.length + all <= room) return { account, shown: [...wrong], left: 0 }
  let free = room - brief.length - LEFT_OVER
  const shown = wrong.filter(({ text }, i) => (free -= text.length + TROUBLE) >= 0 || i === 0)
  return { account: brief, shown, left: wrong.length - shown.length }
}

const TROUBLE = 4 // characters that the mark and the space around a trouble take
const LEFT_OVER = 12 // and those of "+3 nguồn"
