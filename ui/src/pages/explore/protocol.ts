/** What `/api/v1/explore` answers. Times are RFC 3339 in UTC. */

import type { Target } from '../../lib/live/protocol'

export type UnitSeries = { unit: string; values: (number | null)[]; samples: number[]; restated: number[] }
export type TargetSpan = Target & { from: string; to: string }
/** [from, to) is the time that a point covers; `from` is null where it has no beginning. `partial`: its period goes on
 * (`running`), or data began only within it (`data`). */
export type Covered = { from: string | null; to: string; partial: '' | 'running' | 'data' }
export type Series = {
  id: string
  step: string
  times: string[]
  periods?: Covered[]
  series: UnitSeries[]
  last_year: { times: string[]; series: UnitSeries[] } | null
  targets: TargetSpan[]
  snapshot: { taken_at: string }
}

export type Standing = { time: string; value: number | null; samples: number; window: { from: string; to: string } }
/** What a group made of a change; of a ratio by its `rate` and by the `mix` (its share). */
export type Contribution = {
  key: string
  before: number | null
  after: number | null
  share: [number, number]
  rate: number
  mix: number
  total: number
}
export type Grouping = {
  by: 'unit' | 'channel' | 'service' | 'status'
  groups: Contribution[]
  rest: Contribution | null
}
export type PartEffect = { id: string; before: number; after: number; effect: number }
export type Change = {
  method: 'amount' | 'ratio' | 'formula' | 'no_value' | 'not_additive'
  before: Standing
  after: Standing
  groupings: Grouping[]
  parts: PartEffect[]
  snapshot: { taken_at: string }
}

export type Score = { model: string; mae: number; coverage: number; widening: number }
export type Reach = { time: string; value: number; low: number; high: number }
export type Forecast = {
  year: number
  /** Why there is none, in one sentence; empty when there is one. */
  reason: string
  step_days: number
  season: number
  history: number
  origins: number
  behaviour: 'amount' | 'ratio' | 'level' | ''
  /** The model that was chosen first. */
  scores: Score[]
  path: Reach[]
  target: Target | null
  chance: number | null
}

export type WrittenSql = {
  sql: string
  reads: 'definition' | 'kpi_periods' | 'kpi_values'
  why: string
  time_column?: 'from' | 'to'
}
