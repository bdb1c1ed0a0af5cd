/** The time that a point of a series covers, in words and on the axis. */

import { date, zoneOffset_ms } from '../../lib/format/times'
import type { Say } from '../../lib/i18n'
import type { Covered, Series } from './shapes'

const ROMAN = ['I', 'II', 'III', 'IV'] as const

export const local_ms = (time_ms: number, zone: string): number => time_ms + zoneOffset_ms(time_ms, zone)

/** "2026-09-01 00:00" of the province's clocks, as the files of the centre have it. */
export const localText = (time: string, zone: string): string =>
  new Date(local_ms(Date.parse(time), zone)).toISOString().slice(0, 16).replace('T', ' ')

/** A moment as the end of what was counted: midnight closes the day before, so that day is named. */
export function pointTime(time: string, zone: string, say: Say): string {
  const time_ms = Date.parse(time)
  const clock = new Date(local_ms(time_ms, zone)).toISOString().slice(11, 16)
  return clock === '00:00' ? date(time_ms - 1, zone, say) : `${clock} ${date(time_ms, zone, say)}`
}

/** "Tháng 09/2026", "Quý III/2026", "Năm 2026" for a whole one, the moment else. */
export function periodName({ from, to }: Covered, zone: string, say: Say): string {
  const [start, end] = [new Date(local_ms(Date.parse(from ?? to), zone)), new Date(local_ms(Date.parse(to), zone))]
  const begins = start.toISOString().slice(8, 16) === '01T00:00' && end.toISOString().slice(8, 16) === '01T00:00'
  const [year, month] = [start.getUTCFullYear(), start.getUTCMonth()]
  const months = (end.getUTCFullYear() - year) * 12 + end.getUTCMonth() - month
  if (begins && months === 1) return say('explore.month_of', { month: String(month + 1).padStart(2, '0'), year })
  if (begins && months === 3 && month % 3 === 0)
    return say('explore.quarter_of', { quarter: ROMAN[Math.floor(month / 3)] ?? '', year })
  if (begins && months === 12 && month === 0) return say('explore.year_of', { year })
  return pointTime(to, zone, say)
}

/** Without `periods` (an older centre) a point covers the time up to it. */
export const coveredBy = (series: Series, i: number): Covered =>
  series.periods[i] ?? { from: null, to: series.times[i] ?? '', partial: '' }

/** Why a value is not that of a whole period, in words; empty for a whole one. */
export function partialText({ partial, to }: Covered, zone: string, say: Say): string {
  if (partial === 'running') return say('explore.partial_running', { time: pointTime(to, zone, say) })
  return partial === 'data' ? say('explore.partial_data') : ''
}

/** Where points stand on an axis drawn in UTC. Points of months stand at the beginning of the month they close. */
export function places_ms(times: readonly string[], step: string, zone: string): number[] {
  return times.map((time) => {
    const at = local_ms(Date.parse(time), zone)
    if (step !== '1M') return at
    const inside = new Date(at - 1)
    return Date.UTC(inside.getUTCFullYear(), inside.getUTCMonth(), 1)
  })
}

/** Which points are drawn as provisional: those before data were whole, and the running period at the end. */
export function provisional(series: Series): boolean[] {
  const covered = series.times.map((_, i) => coveredBy(series, i).partial)
  const lastWhole = covered.findLastIndex((partial) => partial !== 'running')
  return covered.map((partial, i) => partial === 'data' || (partial === 'running' && i > lastWhole))
}
