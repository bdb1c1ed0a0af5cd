/** What the lab says, as `/api/v1/lab` gives it. Times are RFC 3339; rows hold cells in the order of the columns. */

import type { Parameters } from '../../lib/address/lab_address'
import type { ChartSpec } from '../../lib/charts/spec'
import type { Row } from '../../lib/charts/table'
import type { Named } from '../../lib/live/protocol'

export type LabState = {
  snapshot: { taken_at: string; age_s: number; size_bytes: number } | null
  limits: { seconds: number; memory_mb: number; rows: number; bytes: number }
  queue: { running: number; waiting: number }
  version: number
}
export type ViewColumn = { name: string; type: string; comment: Named }
export type View = { name: string; comment: Named; columns: ViewColumn[] }
export type Dictionary = { version: number; views: View[]; promise: Named }

/** Where DuckDB stumbled: line and column count from 1. */
export type Fault = { message: string; line: number | null; column: number | null }
export type QueryState = {
  id: string
  state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'
  ahead: number
  elapsed_ms: number
  progress: number | null
  row_count: number | null
  columns: { name: string; type: string }[] | null
  truncated: boolean
  error: Fault | null
  /** Of a failure: what set the limit that it ran into. */
  kind: 'sql' | 'time' | 'memory' | 'process' | 'too_large' | null
  snapshot: { taken_at: string }
}
export type Rows = { rows: Row[] }
export type Checked = { ok: boolean; parameters: string[]; error: Fault | null }

export type Question = {
  id: string
  title: Named
  why: Named
  sql: string
  parameters: Parameters
  chart: ChartSpec | null
}
export type Saved = {
  id: number
  name: string
  sql: string
  parameters: Parameters
  chart: ChartSpec | null
  tags: string[]
  shared: boolean
  owner: string
  version: number
  changed_at: string
}
/** One of the reader's own queries, newest first. */
export type Past = {
  at: string
  sql: string
  parameters: Parameters
  state: QueryState['state']
  elapsed_ms: number
  row_count: number | null
}
