/** Clock, dates and durations in the province's time zone, 24 hours, day first. */

import type { Say } from '../i18n'

type Parts = { year: string; month: string; day: string; hour: string; minute: string }

const formats = new Map<string, Intl.DateTimeFormat>()

function parts(time_ms: number, zone: string): Parts {
  let format = formats.get(zone)
  if (!format) {
    const two = '2-digit' as const
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: two,
      day: two,
      hour: two,
      minute: two,
    })
    formats.set(zone, format)
  }
  return Object.fromEntries(format.formatToParts(time_ms).map(({ type, value }) => [type, value])) as Parts
}

export function clock(time_ms: number, zone: string): string {
  const { hour, minute } = parts(time_ms, zone)
  return `${hour}:${minute}`
}

/** "Chủ Nhật, 22/11/2026" */
export function date(time_ms: number, zone: string, say: Say): string {
  const { year, month, day } = parts(time_ms, zone)
  const weekday = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDay()
  return `${say(`weekday.${weekday as 0 | 1 | 2 | 3 | 4 | 5 | 6}`)}, ${day}/${month}/${year}`
}

/** The clock for a time of today, day and clock for another day, the whole date and the clock in another year. */
export function moment(time_ms: number, now_ms: number, zone: string): string {
  const then = parts(time_ms, zone)
  const now = parts(now_ms, zone)
  const time = `${then.hour}:${then.minute}`
  if (then.year !== now.year) return `${then.day}/${then.month}/${then.year} ${time}`
  return then.day === now.day && then.month === now.month ? time : `${then.day}/${then.month} ${time}`
}

/** One figure, two from an hour on ("2 giờ 10"), rounded down: what has not passed is not claimed. */
export function duration(length_s: number, say: Say): string {
  const seconds = Math.max(0, Math.floor(length_s))
  if (seconds < 60) return say('duration.seconds', { n: seconds })
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return say('duration.minutes', { n: minutes })
  const hours = Math.floor(minutes / 60)
  const rest = minutes % 60
  if (hours < 24 && rest) return say('duration.hours_minutes', { n: hours, m: String(rest).padStart(2, '0') })
  if (hours < 48) return say('duration.hours', { n: hours })
  return say('duration.days', { n: Math.floor(hours / 24) })
}

/** The length of a time ago, coarse; null for one that never was. */
export function since(time: string | null, now_ms: number, say: Say): string | null {
  return time === null ? null : duration((now_ms - Date.parse(time)) / 1000, say)
}

/** How far the zone's clocks are ahead of UTC at a moment. */
export function zoneOffset_ms(time_ms: number, zone: string): number {
  const { year, month, day, hour, minute } = parts(time_ms, zone)
  const local = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute))
  return local - Math.floor(time_ms / 60_000) * 60_000
}

/** "22/11/2026" of a day as ISO writes it. */
export function day(iso: string): string {
  const [year = '', month = '', of = ''] = iso.slice(0, 10).split('-')
  return `${of}/${month}/${year}`
}

/** Its day in the zone, as ISO writes it. */
export function isoDay(time_ms: number, zone: string): string {
  const { year, month, day } = parts(time_ms, zone)
  return `${year}-${month}-${day}`
}
