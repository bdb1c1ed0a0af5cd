/** What a chart is drawn of. */

import type { Unit } from '../live/messages'
import { TEXTS, type Language } from '../i18n'
import type { ChartSpec } from './spec'
import { timeLabeller } from './style'
import { textOf, type Table } from './table'

/** Columns whose cells are words of the centre's own: a channel, a status. */
const WORDS = /^(channel|status|severity|freshness)$/

/** `units` are those of the province by code: names beside codes, places on the map. */
export type Drawing = {
  table: Table
  spec: ChartSpec
  zone: string
  language: Language
  units: ReadonlyMap<string, Unit>
}
export type Size = { width: number; height: number }

/** How cells of a column are written on an axis: times as people write them, the name of a unit where a cell is its
 * code. Two values never have one label. */
export function labelling({
  table,
  units,
  language = 'vi',
}: Pick<Drawing, 'table' | 'units'> & { language?: Language }): (column: string, text: string) => string {
  const labellers = new Map<string, (text: string) => string>()
  return (column, text) => {
    const known = labellers.get(column)
    if (known) return known(text)
    const at = table.columns.findIndex(({ name }) => name === column)
    const texts = [...new Set(table.rows.map((row) => textOf(row[at])))]
    const kind = table.columns[at]?.kind
    const time = kind === 'time' || kind === 'day' ? timeLabeller(texts) : null
    const plain = (cell: string): string =>
      time
        ? time(cell)
        : (units.get(cell)?.short_name ?? (WORDS.test(column) ? (TEXTS[language][`word.${cell}`] ?? cell) : cell))
    const uses = new Map<string, number>()
    for (const each of texts) uses.set(plain(each), (uses.get(plain(each)) ?? 0) + 1)
    const label = (cell: string): string =>
      (uses.get(plain(cell)) ?? 0) > 1 && plain(cell) !== cell ? `${plain(cell)} (${cell})` : plain(cell)
    labellers.set(column, label)
    return label(text)
  }
}
