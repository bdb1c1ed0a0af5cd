/** A value against what it should reach, and against the same hour of yesterday. */

import { number, signed } from '../format/numbers'
import type { Point, Target } from '../live/messages'
import type { Language } from '../i18n'

export type Distance = { goal: number; difference: number; missed: boolean; direction: 'up' | 'down' }

/** Null when the target sets no bound. A value that is exactly at its bound meets it. */
export function distance(value: number, target: Target | null): Distance | null {
  const goal = target?.at_least ?? target?.at_most
  if (target == null || goal == null) return null
  const difference = value - goal
  const missed = target.at_least != null ? difference < 0 : difference > 0
  return { goal, difference, missed, direction: difference < 0 ? 'down' : 'up' }
}

/** A distance that is not zero is never written as zero: it gets up to two more digits. */
export function differenceText(difference: number, digits: number, language: Language): string {
  let shown = digits
  while (shown < digits + 2 && difference !== 0 && Math.abs(difference) < 0.5 * 10 ** -shown) shown += 1
  return signed(difference, shown, language)
}

/** A value's distance to its goal. */
export function distanceText(value: number, goal: number, digits: number, language: Language): string {
  if (Math.abs(goal) < 1000) return differenceText(value - goal, digits, language)
  return changeText(value, goal, digits, language)
}

/** From 1000 on a difference is told in percent of what it is compared with, and from tenfold on as a multiple: longer
 * figures do not fit a tile. */
export function changeText(value: number, before: number, digits: number, language: Language): string {
  if (Math.abs(before) < 1000) return signed(value - before, digits, language)
  if (Math.abs(value / before) >= 10) return `×${number(value / before, 0, language)}`
  return `${signed((100 * (value - before)) / Math.abs(before), 0, language)} %`
}

/** The value a day before `now_ms`, from a history that begins about there; null when there was none within
 * `near_ms`. */
export function dayBefore(points: readonly Point[], now_ms: number, near_ms: number): number | null {
  const wanted = now_ms - 86_400_000
  let found: number | null = null
  let nearest = near_ms
  for (const { time, value } of points) {
    const away = Math.abs(Date.parse(time) - wanted)
    if (value !== null && away <= nearest) [found, nearest] = [value, away]
  }
  return found
}
