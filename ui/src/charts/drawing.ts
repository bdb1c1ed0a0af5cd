/** What a chart is drawn of. */

import type { Unit } from '../live/protocol'
import type { Language } from '../texts'
import type { ChartSpec } from './spec'
import { shortTime } from './style'
import type { Table } from './table'

/** `units` are those of the province by code: names beside codes, places on the map. */
export type Drawing = { table: Table; spec: ChartSpec; zone: string; language: Language; units: ReadonlyMap<string, Unit> }
export type Size = { width: number; height: number }

/** The name of a unit where a cell is its code. */
export function labelling({ table, units }: Pick<Drawing, 'table' | 'units'>): (column: string, text: string) => string {
  const times = new Set(table.columns.filter(({ kind }) => kind === 'time' || kind === 'day').map(({ name }) => name))
  return (column, text) => (times.has(column) ? shortTime(text) : (units.get(text)?.short_name ?? text))
}
