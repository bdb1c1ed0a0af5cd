/** The trend of an alert's value with the limits of its rule: where lines and shade stand in a box of pixels. */

import type { Point } from '../../../lib/live/messages'
import type { Limits } from '../shapes'

export type Frame = { width: number; height: number; left: number; top: number; bottom: number }
export type Ruled = { kind: 'fires' | 'clears'; sign: '>' | '<'; at: number; y: number }
export type Drawn = {
  path: string
  dots: { x: number; y: number; point: Point }[]
  limits: Ruled[]
  ticks: { y: number; value: number }[]
  /** Where the alert began, in px from the left. */
  since_x: number
  gaps: number
}

/** Limits farther than twice the values' own spread are told beside the picture, not drawn: they would flatten it. */
export function draw(
  points: readonly Point[],
  limits: Limits,
  since_ms: number,
  span: { from_ms: number; to_ms: number },
  frame: Frame,
): Drawn {
  const wanted = ruled(limits)
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]))
  const [least, most] = values.length ? [Math.min(...values), Math.max(...values)] : [Infinity, -Infinity]
  const reach = 2 * (most - least || Math.abs(most) || 1)
  const near = values.length ? wanted.filter(({ at }) => at >= least - reach && at <= most + reach) : wanted
  const all = [...values, ...near.map(({ at }) => at)]
  const low = all.length ? Math.min(...all) : 0
  const high = all.length ? Math.max(...all) : 1
  const room = (high - low || Math.abs(high) || 1) * 0.12
  const [bottom, top] = [low >= 0 ? Math.max(0, low - room) : low - room, high + room]
  const x = (time: number): number =>
    round(frame.left + ((time - span.from_ms) / (span.to_ms - span.from_ms)) * (frame.width - frame.left))
  const y = (value: number): number =>
    round(frame.top + ((top - value) / (top - bottom)) * (frame.height - frame.top - frame.bottom))
  let path = ''
  let broken = true
  const dots: Drawn['dots'] = []
  for (const point of points) {
    const time = Date.parse(point.time)
    if (point.value === null || time < span.from_ms || time > span.to_ms) {
      broken = true
      continue
    }
    const place = { x: x(time), y: y(point.value), point }
    path += `${broken ? 'M' : 'L'}${place.x} ${place.y}`
    broken = false
    dots.push(place)
  }
  return {
    path,
    dots,
    limits: near.map((limit) => ({ ...limit, y: y(limit.at) })),
    ticks: all.length ? [low, (low + high) / 2, high].map((value) => ({ value, y: y(value) })) : [],
    since_x: Math.max(frame.left, Math.min(x(since_ms), frame.width)),
    gaps: points.length - dots.length,
  }
}

function ruled(limits: Limits): Omit<Ruled, 'y'>[] {
  const found: Omit<Ruled, 'y'>[] = []
  const add = (kind: Ruled['kind'], sign: Ruled['sign'], at: number | null): void => {
    if (at !== null) found.push({ kind, sign, at })
  }
  add('fires', '>', limits.fires_above)
  add('fires', '<', limits.fires_below)
  if (limits.clears_below !== limits.fires_above) add('clears', '<', limits.clears_below)
  if (limits.clears_above !== limits.fires_below) add('clears', '>', limits.clears_above)
  return found
}

const round = (value: number): number => Math.round(value * 10) / 10
