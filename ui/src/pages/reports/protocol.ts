/** What `/api/v1/reports` answers. */

import type { FieldFault } from '../../lib/api/request'

export type Names = { vi: string; en: string }
export type Cell = {
  value: number | Names | null
  digits: number
  why: Partial<Names>
  key: [string, string, string] | null
  samples: number | null
  origin: string
  short: string
}
export type Column = { name: Names; unit_of_measure: Partial<Names>; group: Partial<Names>; numeric: boolean }
export type Row = { name: Names; cells: Cell[]; strong: boolean; section: Partial<Names> }
export type Table = {
  kind: 'table'
  id: string
  title: Names
  first: Names
  columns: Column[]
  rows: Row[]
  notes: Names[]
  left_out: number
}
export type Drawing = { kind: 'chart'; id: string; title: Names }
export type Prose = { kind: 'text'; id: string; title: Partial<Names>; text: Names }
export type Block = Table | Drawing | Prose
export type Cause = 'data' | 'definition' | 'published' | 'computed'
export type Correction = {
  kpi: string
  kpi_name: Names
  unit: string
  unit_name: string
  period: string
  period_name: Names
  before: number | null
  after: number | null
  digits: number
  cause: Cause
  late_samples: number
  at: string
}
export type Sending = {
  channel: string
  attempt: number
  at: string
  outcome: 'sent' | 'failed' | 'dead'
  reason: string
  next_at: string
}
export type IssueHead = {
  id: string
  report: string
  period: string
  period_name: Names
  number: number
  made_at: string
  made_by: string
  taken_at: string
  replaces: number | null
}
export type IssueShort = IssueHead & { changes: number; files: { pdf: string; xlsx: string; json: string } }
export type Issue = IssueHead & {
  title: Names
  basis: string
  notes: Names[]
  blocks: Block[]
  sources: { source: string; last_at: string }[]
  changes: Correction[]
  restated: Correction[]
  send_to: string[]
  sendings: Sending[]
}
/** An issue on its way: `issue` once it is there, `detail` and `errors` why it could not be made. */
export type Job = {
  period: string
  by: string
  begun_at: string
  state: 'making' | 'done' | 'failed'
  progress: number
  issue: string | null
  detail: string
  errors: FieldFault[]
}
export type Length = 'week' | 'month' | 'quarter' | 'year'
export type Report = {
  id: string
  title: Names
  period: Length
  basis: string
  schedule: { next: string; next_period: string; channels: string[] } | null
  closed: { period: string; name: Names }
  issues: number
  newest: IssueShort | null
  making: Job[]
  last_made: Job | null
}

/** The lab was restarted while it made an issue. */
export class JobLost extends Error {}
