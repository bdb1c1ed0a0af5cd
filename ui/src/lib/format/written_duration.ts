/** Durations as definitions write them: a whole number and a unit, such as `15m`. */

import type { Say } from '../i18n'
import { duration } from './times'

export const DURATION_UNITS = ['s', 'm', 'h', 'd'] as const
export type DurationUnit = (typeof DURATION_UNITS)[number]

const SECONDS: Record<DurationUnit, number> = { s: 1, m: 60, h: 3600, d: 86_400 }
const WRITTEN = /^(\d+)([smhd])$/

/** Split "30m" into ["30", "m"]. A text of another form stays whole, with minutes as its unit. */
export function durationParts(value: unknown): [string, DurationUnit] {
  const text = value === undefined || value === null ? '' : String(value)
  const [, n, unit] = WRITTEN.exec(text) ?? []
  return unit ? [n as string, unit as DurationUnit] : [text, 'm']
}

/** Write a typed number with its unit; undefined for an empty text, the text itself where it is not a whole number. */
export function writtenDuration(typed: string, unit: DurationUnit): string | undefined {
  const text = typed.trim()
  if (!text) return undefined
  return /^\d+$/.test(text) ? `${Number(text)}${unit}` : text
}

/** "5m" in words; a text of another form as it is. */
export function durationInWords(written: string, say: Say): string {
  const [, n, unit] = WRITTEN.exec(written) ?? []
  return unit ? duration(Number(n) * SECONDS[unit as DurationUnit], say) : written
}
