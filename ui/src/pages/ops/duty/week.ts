/** A week of a schedule, cut into days. */

import { zoneOffset_ms } from '../../../lib/format/times'
import type { Duty } from '../shapes'

const DAY_MS = 86_400_000
export const WEEK_MS = 7 * DAY_MS

/** The begin of the Monday of a moment's week in the zone. */
export function monday_ms(now_ms: number, zone: string): number {
  const offset = zoneOffset_ms(now_ms, zone)
  const local = now_ms + offset
  const midnight = local - (((local % DAY_MS) + DAY_MS) % DAY_MS)
  const weekday = (new Date(midnight).getUTCDay() + 6) % 7
  return midnight - weekday * DAY_MS - offset
}

export type Piece = {
  from_ms: number
  until_ms: number
  kind: 'shift' | 'exception' | 'otherwise' | 'gap'
  people: readonly string[]
  why: string
}

/** What lies in [from_ms, to_ms), ascending; a gap is hours in which nobody is on duty and nobody stands in. */
export function pieces({ shifts, gaps }: Pick<Duty, 'shifts' | 'gaps'>, from_ms: number, to_ms: number): Piece[] {
  const all: Piece[] = [
    ...shifts.map(({ from, until, people, kind, why }) => ({
      from_ms: Date.parse(from),
      until_ms: Date.parse(until),
      kind,
      people,
      why,
    })),
    ...gaps
      .filter(({ stands_in }) => !stands_in.length)
      .map(({ from, until }) => ({
        from_ms: Date.parse(from),
        until_ms: Date.parse(until),
        kind: 'gap' as const,
        people: [],
        why: '',
      })),
  ]
  return all
    .filter((each) => each.from_ms < to_ms && each.until_ms > from_ms)
    .map((each) => ({ ...each, from_ms: Math.max(each.from_ms, from_ms), until_ms: Math.min(each.until_ms, to_ms) }))
    .sort((a, b) => a.from_ms - b.from_ms)
}
