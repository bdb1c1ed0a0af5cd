/** Geometry of a trend line: lines where there are data, nothing across a gap, dots after the data stopped. */

import type { Point } from '../../lib/live/messages'

export type Box = { width: number; height: number; margin: number }
export type Trend = { lines: string; end: { x: number; y: number } | null; rest: string }
export type Span = { from_ms: number; to_ms: number; step_ms: number; digits: number }

type Place = { time: number; value: number }

/**
 * `points` in order of time; null is a gap, and so is more than one and a half steps without a point. `last` is what is
 * shown as the value now, at the time it speaks of: points after it are left out. Values outside the span are left out.
 */
export function trend(points: readonly Point[], last: Place | null, span: Span, box: Box): Trend {
  const runs = unbroken(points, last, span)
  const values = runs.flat().map((place) => place.value)
  if (values.length === 0) return { lines: '', end: null, rest: '' }
  const least = Math.min(...values)
  const most = Math.max(...values)
  // A line that is nearly flat is drawn flat: below four of its last digits it has no shape.
  const range = Math.max(most - least, 4 * 10 ** -span.digits)
  const middle = (least + most) / 2
  const x = (time: number): number => round(((time - span.from_ms) / (span.to_ms - span.from_ms)) * box.width)
  const y = (value: number): number =>
    round(box.height / 2 - ((value - middle) / range) * (box.height - 2 * box.margin))
  const lines = runs
    .map(
      (run) =>
        run.map(({ time, value }, i) => `${i ? 'L' : 'M'}${x(time)} ${y(value)}`).join('') +
        (run.length === 1 ? 'h0' : ''),
    )
    .join('')
  const final = runs.at(-1)?.at(-1) as Place
  const end = { x: x(final.time), y: y(final.value) }
  const stopped = span.to_ms - final.time > 1.5 * span.step_ms
  return { lines, end, rest: stopped ? `M${end.x} ${end.y}H${box.width}` : '' }
}

function unbroken(points: readonly Point[], last: Place | null, { from_ms, to_ms, step_ms }: Span): Place[][] {
  const runs: Place[][] = [[]]
  const until = Math.min(last?.time ?? to_ms, to_ms)
  const add = (place: Place | null): void => {
    const run = runs.at(-1) as Place[]
    const before = run.at(-1)
    if (place === null || (before && place.time - before.time > 1.5 * step_ms)) runs.push(place ? [place] : [])
    else run.push(place)
  }
  for (const { time, value } of points) {
    const at = Date.parse(time)
    if (at >= from_ms && at < until) add(value === null ? null : { time: at, value })
  }
  if (last && last.time >= from_ms && last.time <= to_ms) add(last)
  return runs.filter((run) => run.length > 0)
}

const round = (value: number): number => Math.round(value * 10) / 10
