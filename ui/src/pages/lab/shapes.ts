/** Names for what `/api/v1/lab` answers. Times are RFC 3339; rows hold cells in the order of the columns. */

import type { Refined } from '../../lib/api/refined'
import type {
  DictionaryShape,
  PastQueryShape,
  QueryRowsShape,
  QueryStateShape,
  ReadyQuestionShape,
  SavedQueryShape,
  ViewColumnShape,
  ViewShape,
} from '../../lib/api/schema'
import type { Parameters } from '../../lib/address/lab_address'
import type { ChartSpec } from '../../lib/charts/spec'
import type { Row } from '../../lib/charts/table'

export type { LabStateShape as LabState, SqlErrorShape as Fault, SqlCheckShape as Checked } from '../../lib/api/schema'

export type ViewColumn = Refined<ViewColumnShape, { type: string }>
export type View = Refined<ViewShape, { columns: ViewColumn[] }>
export type Dictionary = Refined<DictionaryShape, { views: View[] }>
export type QueryState = Refined<QueryStateShape, { kind: 'sql' | 'time' | 'memory' | 'process' | 'too_large' | null }>
export type Rows = Refined<QueryRowsShape, { rows: Row[] }>
export type Question = Refined<ReadyQuestionShape, { chart: ChartSpec | null }>
export type Saved = Refined<SavedQueryShape, { chart: ChartSpec | null; parameters: Parameters }>
export type Past = Refined<PastQueryShape, { parameters: Parameters; state: QueryState['state'] }>
