/** Rows of a result as series of a chart: split, put in order, with a gap where nothing was measured. */

import type { ChartSpec } from './spec'
import { clock_ms, numberOf, textOf, type Table } from './table'

export type Point = [number, number | null]
export type Line = { name: string; points: Point[] }
export type Bars = { categories: string[]; series: { name: string; values: (number | null)[] }[] }
export type Heat = { columns: string[]; rows: string[]; cells: [number, number, number][]; least: number; most: number }
export type Scatter = { name: string; points: [number, number][] }[]

export const MOST_SERIES = 24
/** A distance this much longer than the usual one is a gap. */
const GAP = 1.5

function places(table: Table, spec: ChartSpec): { x: number; y: number[]; by: number } {
  const at = (name: string): number => table.columns.findIndex((column) => column.name === name)
  return { x: at(spec.x), y: spec.y.map(at), by: spec.by ? at(spec.by) : -1 }
}

/** Over time, in the order of time; a null between two points that are further apart than usual. */
export function lines(
  table: Table,
  spec: ChartSpec,
  zone: string,
  label: (column: string, text: string) => string = (_, text) => text,
): Line[] {
  const { x, y, by } = places(table, spec)
  const found = new Map<string, Line>()
  for (const row of table.rows) {
    const time = clock_ms(row[x], zone)
    if (time === null) continue
    for (const [i, place] of y.entries()) {
      const split = by < 0 ? '' : textOf(row[by])
      const key = `${i} ${split}`
      const line =
        found.get(key) ??
        found.set(key, { name: seriesName(split && label(spec.by, split), spec, i), points: [] }).get(key)
      line?.points.push([time, numberOf(row[place])])
    }
  }
  return [...found.values()].slice(0, MOST_SERIES).map(({ name, points }) => ({ name, points: withGaps(points) }))
}

function seriesName(split: string, spec: ChartSpec, i: number): string {
  const measured = spec.y[i] as string
  return split === '' ? measured : spec.y.length > 1 ? `${split} · ${measured}` : split
}

/** The usual distance is the median of the distances. */
export function withGaps(points: Point[]): Point[] {
  const ordered = points.toSorted(([a], [b]) => a - b)
  const steps = ordered
    .slice(1)
    .map(([time], i) => time - (ordered[i] as Point)[0])
    .filter((step) => step > 0)
    .sort((a, b) => a - b)
  const usual = steps[Math.floor(steps.length / 2)] ?? 0
  return ordered.flatMap((point, i) => {
    const before = ordered[i - 1]
    return before && usual > 0 && point[0] - before[0] > usual * GAP
      ? [[before[0] + usual, null] as Point, point]
      : [point]
  })
}

/** Categories in the order of the result; two rows of one category and series are added up. Rows are grouped by their
 * value, never by the label that is shown for it. */
export function bars(table: Table, spec: ChartSpec, label: (column: string, text: string) => string): Bars {
  const { x, y, by } = places(table, spec)
  const categories = new Map<string, number>()
  const series = new Map<string, { name: string; values: (number | null)[] }>()
  for (const row of table.rows) {
    const category = textOf(row[x])
    const at = categories.get(category) ?? categories.set(category, categories.size).size - 1
    for (const [i, place] of y.entries()) {
      const split = by < 0 ? '' : textOf(row[by])
      const key = `${i} ${split}`
      const name = seriesName(by < 0 ? '' : label(spec.by, split), spec, i)
      const { values } =
        series.get(key) ?? (series.set(key, { name, values: [] }).get(key) as { values: (number | null)[] })
      const value = numberOf(row[place])
      values[at] = value === null ? (values[at] ?? null) : (values[at] ?? 0) + value
    }
  }
  const keys = [...categories.keys()]
  return {
    categories: keys.map((key) => label(spec.x, key) || '—'),
    series: [...series.values()]
      .slice(0, MOST_SERIES)
      .map(({ name, values }) => ({ name, values: keys.map((_, i) => values[i] ?? null) })),
  }
}

/** Number of series that the picture of a result leaves out. */
export function seriesLeftOut(table: Table, spec: ChartSpec): number {
  if (spec.kind !== 'line' && spec.kind !== 'bar' && spec.kind !== 'stacked') return 0
  const { y, by } = places(table, spec)
  const splits = by < 0 ? 1 : new Set(table.rows.map((row) => textOf(row[by]))).size
  return Math.max(0, splits * y.length - MOST_SERIES)
}

/** Columns: hours or times in order, texts as they come; rows as they come. The last of two values at one place
 * stays. */
export function heat(table: Table, spec: ChartSpec, label: (column: string, text: string) => string): Heat {
  const { x, y, by } = places(table, spec)
  const number = table.columns[x]?.kind === 'number'
  const texts = new Set(table.rows.map((row) => textOf(row[x])))
  const ordered = [...texts].sort((a, b) => (number ? Number(a) - Number(b) : a < b ? -1 : 1))
  const columns =
    number && ordered.every((text) => /^(\d|1\d|2[0-3])$/.test(text))
      ? Array.from({ length: 24 }, (_, i) => String(i))
      : ordered
  const rows = new Map<string, number>()
  const found = new Map<string, [number, number, number]>()
  for (const row of table.rows) {
    const name = textOf(row[by])
    if (!rows.has(name)) rows.set(name, rows.size)
    const value = numberOf(row[y[0] as number])
    const [column, line] = [columns.indexOf(textOf(row[x])), rows.get(name) ?? 0]
    if (value !== null) found.set(`${column} ${line}`, [column, line, value])
  }
  const cells = [...found.values()]
  const values = cells.map(([, , value]) => value)
  return {
    columns: columns.map((text) => label(spec.x, text)),
    rows: [...rows.keys()].map((key) => label(spec.by, key) || '—'),
    cells,
    least: Math.min(...values),
    most: Math.max(...values),
  }
}

export function scatter(table: Table, spec: ChartSpec): Scatter {
  const { x, y, by } = places(table, spec)
  const found = new Map<string, [number, number][]>()
  for (const row of table.rows) {
    const [across, up] = [numberOf(row[x]), numberOf(row[y[0] as number])]
    if (across === null || up === null) continue
    const name = by < 0 ? (spec.y[0] as string) : textOf(row[by])
    const points = found.get(name) ?? found.set(name, []).get(name)
    points?.push([across, up])
  }
  // So many names are labels of points, no series.
  if (found.size > MOST_SERIES) return [{ name: spec.y[0] as string, points: [...found.values()].flat() }]
  return [...found].map(([name, points]) => ({ name, points }))
}

/** The last value of each unit. */
export function byUnit(table: Table, spec: ChartSpec): Map<string, number> {
  const { x, y } = places(table, spec)
  return new Map(
    table.rows.flatMap((row) => {
      const value = numberOf(row[y[0] as number])
      return value === null ? [] : [[textOf(row[x]), value] as const]
    }),
  )
}
