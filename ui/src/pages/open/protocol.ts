/** What `/open/dictionary.json` tells. */

import type { Language } from '../../lib/i18n'

export type Texts = Partial<Record<Language, string>>
export type Column = { name: string; type: string; description: Texts }
export type OpenKpi = { id: string; name: Texts; unit_of_measure: string; basis: string; over_cases: boolean }
export type Cell = string | number | boolean | null
export type Period = 'day' | 'month' | 'quarter' | 'year'
export type Dataset = {
  id: string
  title: Texts
  description: Texts
  period: Period
  kpis: OpenKpi[]
  rows: number
  suppressed: number
  first_day: string | null
  last_day: string | null
  changed_at: string
  sizes: { csv: number; parquet: number }
  /** Rows of the last period, their cells in the order of the columns. */
  preview: Cell[][]
}
export type Dictionary = {
  /** Null where the province has not set them. */
  publisher: Texts | null
  homepage: string
  contact: { name: string; email: string } | null
  licence: { name: string; url: string }
  columns: Column[]
  datasets: Dataset[]
  simulated: boolean
}
