/** The table of units of one KPI: its rows, their order, what a filter leaves, and the rows that are in sight. */

import { finds } from '../format/fold'
import { distance } from './target'
import type { KpiValue, Unit } from '../live/messages'
import type { UnitRow } from './shapes'

export type Column = 'name' | 'kind' | 'value' | 'distance' | 'freshness' | 'samples' | 'as_of'
export type Order = { column: Column; down: boolean }
export type Show = 'all' | 'missed' | 'missing'

/** One row for each unit below the province that the KPI speaks of (`per`), in the order of `units`. */
export function unitRows(units: readonly Unit[], values: readonly KpiValue[], per: readonly string[]): UnitRow[] {
  const byUnit = new Map(values.map((value) => [value.unit, value]))
  return units
    .filter((unit) => unit.parent !== '' && (per.includes(level(unit)) || byUnit.has(unit.code)))
    .map((unit) => {
      const value = byUnit.get(unit.code) ?? null
      const freshness =
        value === null || (value.value === null && value.freshness === 'live') ? 'no_data' : value.freshness
      return { unit, value, freshness }
    })
}

export function level(unit: Unit): string {
  if (unit.parent === '') return 'province'
  return unit.kind === 'department' ? 'department' : 'commune'
}

/** What is shown and sorted as the row's number: null where the value may not be shown. */
export function figure({ value, freshness }: UnitRow): number | null {
  return value === null || freshness === 'no_data' || freshness === 'insufficient' ? null : value.value
}

/** Below its target by so much that the sign is against it: how far the value is on the wrong side, negative when
 * met. */
export function missedBy(row: UnitRow): number | null {
  const value = figure(row)
  const found = value === null ? null : distance(value, row.value?.target ?? null)
  return found === null ? null : found.missed ? Math.abs(found.difference) : -Math.abs(found.difference)
}

const ROUGHLY = { live: 0, stale: 1, insufficient: 2, no_data: 3 }

/** Rows without the number come last whichever way it goes. */
export function sorted(rows: readonly UnitRow[], { column, down }: Order): UnitRow[] {
  const key = KEYS[column]
  const collator = new Intl.Collator('vi', { numeric: true })
  return [...rows].sort((a, b) => {
    const [x, y] = [key(a), key(b)]
    if (x === null || y === null) return Number(x === null) - Number(y === null)
    const order = typeof x === 'string' ? collator.compare(x, String(y)) : x - Number(y)
    return (down ? -order : order) || collator.compare(a.unit.name, b.unit.name)
  })
}

const KEYS: Record<Column, (row: UnitRow) => string | number | null> = {
  name: ({ unit }) => unit.short_name,
  kind: ({ unit }) => unit.kind,
  value: figure,
  distance: missedBy,
  freshness: ({ freshness }) => ROUGHLY[freshness],
  samples: ({ value }) => value?.samples ?? null,
  as_of: ({ value }) => value?.as_of ?? null,
}

export function filtered(rows: readonly UnitRow[], text: string, show: Show): UnitRow[] {
  return rows.filter(
    (row) =>
      (finds(row.unit.name, text) || row.unit.code === text.trim()) &&
      (show === 'all' || (show === 'missing' ? row.freshness !== 'live' : (missedBy(row) ?? -1) > 0)),
  )
}

export type Sight = { from: number; to: number; above: number; below: number }

/** Rows [from, to) to draw, and the height in px of what is left out above and below them. */
export function sight(count: number, scrolled: number, height: number, row: number, spare = 8): Sight {
  const from = Math.min(Math.max(0, Math.floor(scrolled / row) - spare), count)
  const to = Math.min(count, Math.ceil((scrolled + height) / row) + spare)
  return { from, to, above: from * row, below: (count - to) * row }
}

export type Missing = { units: number; live: number; stale: UnitRow[]; insufficient: UnitRow[]; silent: UnitRow[] }

export function missing(rows: readonly UnitRow[]): Missing {
  const of = (freshness: string): UnitRow[] => rows.filter((row) => row.freshness === freshness)
  return {
    units: rows.length,
    live: of('live').length,
    stale: of('stale'),
    insufficient: of('insufficient'),
    silent: of('no_data'),
  }
}
