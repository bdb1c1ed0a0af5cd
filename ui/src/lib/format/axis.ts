/** Labels of a time axis. A midnight that begins a month is a day among days, and a month among months. */

const QUARTER_MS = 92 * 86_400_000

export function timeLabels(
  from_ms: number,
  to_ms: number,
): Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', string> {
  const day = '{dd}/{MM}'
  const isLong = to_ms - from_ms > QUARTER_MS
  return {
    year: isLong ? '{yyyy}' : day,
    month: isLong ? '{MM}/{yyyy}' : day,
    day,
    hour: '{HH}:{mm}',
    minute: '{HH}:{mm}',
    second: '{HH}:{mm}:{ss}',
  }
}
