/** Who feeds a KPI: one row a source, with all that it gives. */

import type { Feeder } from '../../lib/kpi_values/shapes'

export type FeedingSource = Omit<Feeder, 'feeds' | 'rows'> & { words: { id: string; rows: number }[] }

/** In the order of `rows`, each source once. */
export function feeders(rows: readonly Feeder[]): FeedingSource[] {
  const found = new Map<string, FeedingSource>()
  for (const { feeds, rows: count, ...row } of rows) {
    const source = found.get(row.source) ?? { ...row, words: [] }
    source.words.push({ id: feeds, rows: count })
    source.behind ||= row.behind
    found.set(row.source, source)
  }
  return [...found.values()]
}
