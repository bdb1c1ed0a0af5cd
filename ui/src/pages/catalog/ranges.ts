/** Time ranges of the history chart: how far back, and how far apart the points are. Each point is computed from the
 * data below it, so there are some thirty of them. */

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export const RANGES = {
  '24h': { back_ms: DAY_MS, step: '1h', step_ms: HOUR_MS },
  '7d': { back_ms: 7 * DAY_MS, step: '6h', step_ms: 6 * HOUR_MS },
  '30d': { back_ms: 30 * DAY_MS, step: '1d', step_ms: DAY_MS },
  '1y': { back_ms: 364 * DAY_MS, step: '14d', step_ms: 14 * DAY_MS },
} as const

export type Range = keyof typeof RANGES

/** Of an address; a KPI of a long window is shown over a long time. */
export function range(asked: string, window: string): Range {
  if (asked in RANGES) return asked as Range
  if (/year|quarter|always/.test(window)) return '1y'
  return /month|now/.test(window) ? '30d' : '24h'
}
