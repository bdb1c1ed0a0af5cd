/** Small charts of many units on one scale: where their lines go, and in which order they stand. */

import type { Unit } from '../../lib/live/messages'
import type { Series, UnitSeries } from './shapes'

export const WIDTH = 168
export const HEIGHT = 56
const EDGE = 3

export type Multiple = { unit: string; name: string; one: UnitSeries; last: number | null; change: number | null }
export type Order = 'last_down' | 'last_up' | 'change' | 'name'
export type Scale = { least: number; most: number }

export function multiples(series: Series, units: ReadonlyMap<string, Unit>): Multiple[] {
  return series.series.map((one) => {
    const known = one.values.filter((value): value is number => value !== null)
    const last = known.at(-1) ?? null
    return {
      unit: one.unit,
      name: units.get(one.unit)?.short_name ?? one.unit,
      one,
      last,
      change: last === null || known.length < 2 ? null : last - (known[0] as number),
    }
  })
}

/** Those without a figure come last. */
export function ordered(rows: readonly Multiple[], order: Order): Multiple[] {
  const collator = new Intl.Collator('vi', { numeric: true })
  const key = (row: Multiple): number | null =>
    order === 'change'
      ? row.change === null
        ? null
        : -Math.abs(row.change)
      : row.last === null
        ? null
        : order === 'last_down'
          ? -row.last
          : row.last
  return [...rows].sort((a, b) => {
    if (order === 'name') return collator.compare(a.name, b.name)
    const [x, y] = [key(a), key(b)]
    if (x === null || y === null) return Number(x === null) - Number(y === null) || collator.compare(a.name, b.name)
    return x - y || collator.compare(a.name, b.name)
  })
}

export function scale(rows: readonly Multiple[], goal: number | null): Scale | null {
  const known = rows.flatMap(({ one }) => one.values.filter((value): value is number => value !== null))
  if (known.length === 0) return null
  let [least, most] = [Infinity, -Infinity]
  for (const value of known) {
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  const reach = most - least || Math.abs(most) || 1
  if (goal !== null && goal > least - reach && goal < most + reach) {
    least = Math.min(least, goal)
    most = Math.max(most, goal)
  }
  return { least, most: most === least ? least + 1 : most }
}

export const height_px = (value: number, { least, most }: Scale): number =>
  HEIGHT - EDGE - ((value - least) / (most - least)) * (HEIGHT - 2 * EDGE)

/** An SVG path with a gap where there is no value; a lone point is a short stroke. */
export function path(values: readonly (number | null)[], of: Scale): string {
  const step = values.length > 1 ? (WIDTH - 2 * EDGE) / (values.length - 1) : 0
  let text = ''
  values.forEach((value, i) => {
    if (value === null) return
    const [x, y] = [(EDGE + i * step).toFixed(1), height_px(value, of).toFixed(1)]
    const joined = i > 0 && values[i - 1] !== null
    text += `${joined ? 'L' : 'M'}${x} ${y}`
    if (!joined && (values[i + 1] ?? null) === null) text += 'h1.5'
  })
  return text
}
