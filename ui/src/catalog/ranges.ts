/** Time ranges of the history chart: how far back, and how far apart the points are. */

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export const RANGES = {
  '24h': { back_ms: DAY_MS, step: '30m', step_ms: HOUR_MS / 2 },
  '7d': { back_ms: 7 * DAY_MS, step: '3h', step_ms: 3 * HOUR_MS },
  '30d': { back_ms: 30 * DAY_MS, step: '12h', step_ms: 12 * HOUR_MS },
  '1y': { back_ms: 365 * DAY_MS, step: '7d', step_ms: 7 * DAY_MS },
} as const

export type Range = keyof typeof RANGES

/** Of an address; a KPI of a long window is shown over a long time. */
export function range(asked: string, window: string): Range {
  if (asked in RANGES) return asked as Range
  if (/year|quarter|always/.test(window)) return '1y'
  return /month|now/.test(window) ? '30d' : '24h'
}
