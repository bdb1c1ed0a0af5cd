/** What a chart of a result shows, and which chart a result asks for by itself. */

import { numberOf, textOf, type Column, type Table } from './table'

export const CHARTS = ['line', 'bar', 'stacked', 'heat', 'scatter', 'map'] as const
export type ChartKind = (typeof CHARTS)[number]
/** Names of columns. `x`: time, category, abscissa or unit. `y`: the numbers (heat and map: one). `by`: what splits
 * them into series, for heat the rows; empty for none. */
export type ChartSpec = { kind: ChartKind; x: string; y: string[]; by: string }

const MOST_SERIES = 12
const MOST_LINES = 4
const FEWEST_PLACES = 5

type Sorted = {
  times: Column[]
  numbers: Column[]
  texts: Column[]
  hour: Column | undefined
  unit: Column | undefined
}

function sorted(columns: readonly Column[]): Sorted {
  const hour = columns.find(({ name, kind }) => kind === 'number' && /^(hour|gio|giờ|hour_of_day)$/i.test(name))
  return {
    times: columns.filter(({ kind }) => kind === 'time' || kind === 'day'),
    numbers: columns.filter((column) => column.kind === 'number' && column !== hour),
    texts: columns.filter(({ kind }) => kind === 'text' || kind === 'boolean'),
    hour,
    unit: columns.find(({ name, kind }) => kind === 'text' && /^(unit|unit_code|commune|don_vi|đơn_vị)$/i.test(name)),
  }
}

/** The charts that these columns can make. */
export function possible(columns: readonly Column[]): ChartKind[] {
  const { times, numbers, unit } = sorted(columns)
  const can: Record<ChartKind, boolean> = {
    line: times.length > 0 && numbers.length > 0,
    bar: numbers.length > 0 && columns.length > 1,
    stacked: numbers.length > 0 && columns.length > 2,
    heat: columns.some(({ kind }) => kind === 'number') && columns.filter(({ kind }) => kind !== 'nested').length > 2,
    scatter: numbers.length > 1,
    map: unit !== undefined && numbers.length > 0,
  }
  return CHARTS.filter((kind) => can[kind])
}

/** The chart that says most of this result; null when there is nothing to draw. */
export function suggested(table: Table): ChartSpec | null {
  const { times, numbers, texts, hour, unit } = sorted(table.columns)
  if (numbers.length === 0 || table.rows.length === 0) return null
  if (hour && texts.length > 0) return defaults('heat', table.columns)
  if (times.length > 0) {
    const by = texts.map(({ name }) => ({ name, n: distinct(table, name) })).find(({ n }) => n > 1)
    if (by && by.n > MOST_SERIES) return defaults('heat', table.columns)
    return defaults('line', table.columns)
  }
  if (unit && distinct(table, unit.name) === table.rows.length && table.rows.length >= FEWEST_PLACES)
    return defaults('map', table.columns)
  if (texts.length > 1 && distinct(table, (texts[0] as Column).name) < table.rows.length)
    return defaults('stacked', table.columns)
  if (texts.length > 0) return defaults('bar', table.columns)
  return numbers.length > 1 ? defaults('scatter', table.columns) : null
}

/** A chart of a kind with the columns that fit it best; null when they do not. */
export function defaults(kind: ChartKind, columns: readonly Column[]): ChartSpec | null {
  if (!possible(columns).includes(kind)) return null
  const { times, numbers, texts, hour, unit } = sorted(columns)
  const of = (column: Column | undefined): string => column?.name ?? ''
  const names = numbers.map(({ name }) => name)
  const first = names.slice(0, 1)
  const time = times[0]
  switch (kind) {
    case 'line':
      return { kind, x: of(time), y: texts.length > 0 ? first : names.slice(0, MOST_LINES), by: of(texts[0]) }
    case 'heat': {
      const x = hour ?? time ?? texts[1] ?? columns[0]
      const by =
        unit ??
        texts.find((column) => column !== x) ??
        columns.find((column) => column !== x && column.kind !== 'nested')
      const y = numbers.filter((column) => column !== x && column !== by).map(({ name }) => name)
      return { kind, x: of(x), y: y.slice(0, 1), by: of(by) }
    }
    case 'map':
      return { kind, x: of(unit), y: first, by: '' }
    case 'scatter':
      return { kind, x: names[0] as string, y: names.slice(1, 2), by: of(texts[0]) }
    default: {
      const x = texts[0] ?? time ?? hour ?? columns.find(({ kind }) => kind !== 'nested')
      const left = names.filter((name) => name !== x?.name)
      const by = texts.find((column) => column !== x)
      return { kind, x: of(x), y: by ? left.slice(0, 1) : left.slice(0, MOST_LINES), by: of(by) }
    }
  }
}

/** A spec from an address or a saved query, if the result has what it names. */
export function fitting(spec: ChartSpec | null, columns: readonly Column[]): ChartSpec | null {
  if (!spec) return null
  const has = (name: string): boolean => columns.some((column) => column.name === name)
  const y = spec.y.filter((name) => columns.some((column) => column.name === name && column.kind === 'number'))
  return has(spec.x) && y.length > 0 ? { ...spec, y, by: has(spec.by) ? spec.by : '' } : null
}

export function distinct(table: Table, name: string): number {
  const at = table.columns.findIndex((column) => column.name === name)
  return new Set(table.rows.map((row) => textOf(row[at]))).size
}

/** The least, the most and how many cells of a column have no value: what a picture is summed up by. */
export function extent(table: Table, name: string): { least: number | null; most: number | null; missing: number } {
  const at = table.columns.findIndex((column) => column.name === name)
  let [least, most, missing] = [Infinity, -Infinity, 0]
  for (const row of table.rows) {
    const value = numberOf(row[at])
    if (value === null) missing += 1
    else [least, most] = [Math.min(least, value), Math.max(most, value)]
  }
  return least > most ? { least: null, most: null, missing } : { least, most, missing }
}
