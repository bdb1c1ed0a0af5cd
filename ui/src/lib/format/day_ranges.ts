/** Time ranges of the explorer: whole days of the province, and steps that make a readable number of points. */

import { isoDay, zoneOffset_ms } from './times'

export const PRESETS = ['7d', '30d', '90d', '1y', 'ytd', '3y'] as const
export type Preset = (typeof PRESETS)[number]
export const STEPS = ['1h', '6h', '1d', '7d', '1M'] as const
export type Step = (typeof STEPS)[number]
/** Days as ISO writes them; `to` is the last one, which is shown as far as it has gone. */
export type Span = { from: string; to: string }

const DAY_MS = 86_400_000
const HOURS: Record<Step, number> = { '1h': 1, '6h': 6, '1d': 24, '7d': 168, '1M': 730 }
const DAYS: Partial<Record<Preset, number>> = { '7d': 7, '30d': 30, '90d': 90, '1y': 364, '3y': 1092 }
const MOST_POINTS = 400
const ENOUGH_POINTS = 130

export function presetSpan(preset: Preset, now_ms: number, zone: string): Span {
  const to = isoDay(now_ms, zone)
  const back = DAYS[preset]
  return { from: back === undefined ? `${to.slice(0, 4)}-01-01` : isoDay(now_ms - back * DAY_MS, zone), to }
}

/** The beginning of a day of the zone. NaN for what is no day. */
export function dayStart_ms(day: string, zone: string): number {
  const utc_ms = Date.parse(`${day}T00:00:00Z`)
  return utc_ms - zoneOffset_ms(utc_ms, zone)
}

/** From the beginning of the first day to the end of the last one, not beyond `now_ms`; points stand at whole steps. */
export function bounds_ms(span: Span, step: Step, now_ms: number, zone: string): { from_ms: number; to_ms: number } {
  const from_ms = dayStart_ms(span.from, zone)
  const end_ms = dayStart_ms(span.to, zone) + DAY_MS
  const length = HOURS[step] * 3_600_000
  if (step === '1M') return { from_ms, to_ms: Math.min(end_ms, now_ms) }
  // Weeks end where the range ends, so that the newest is there.
  const grain = Math.min(length, DAY_MS)
  const to_ms = from_ms + Math.max(Math.floor((Math.min(end_ms, now_ms) - from_ms) / grain) * grain, length)
  return { from_ms: to_ms - Math.floor((to_ms - from_ms) / length) * length, to_ms }
}

export function count(span: Span, step: Step, zone: string): number {
  return Math.floor((dayStart_ms(span.to, zone) + DAY_MS - dayStart_ms(span.from, zone)) / (HOURS[step] * 3_600_000))
}

/** Steps that make at least two points and not too many. */
export function fitting(span: Span, zone: string): Step[] {
  return STEPS.filter((step) => {
    const n = count(span, step, zone)
    return n >= 2 && n <= MOST_POINTS
  })
}

/** The one that is asked for, where it fits; else the finest that is still easily read. */
export function stepOf(asked: string, span: Span, zone: string): Step {
  const fit = fitting(span, zone)
  const wanted = fit.find((step) => step === asked)
  return wanted ?? fit.find((step) => count(span, step, zone) <= ENOUGH_POINTS) ?? fit.at(-1) ?? '1d'
}

/** Of many units at once: some thirty points. */
export function coarse(span: Span, zone: string): Step {
  const fit = fitting(span, zone)
  return fit.find((step) => count(span, step, zone) <= 32) ?? fit.at(-1) ?? '1d'
}

export function isSpan({ from, to }: Span): boolean {
  const day = /^\d{4}-\d\d-\d\d$/
  return (
    day.test(from) && day.test(to) && !Number.isNaN(Date.parse(from)) && !Number.isNaN(Date.parse(to)) && from <= to
  )
}
