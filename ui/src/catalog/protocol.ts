/** The catalogue and what stands behind a value, as `/api/v1` gives them. Times are RFC 3339 in UTC, days ISO. */

import type { Condition, Definition, Freshness, KpiValue, Named, Target, Unit } from '../live/protocol'

export type Sector = { id: string; name: Named; order: number }

export type Expression =
  | { kind: 'aggregate'; measure: string; take: string; per?: number | string; q?: number }
  | { kind: 'count'; of: string; where: string; at?: string }
  | { kind: 'sum' | 'distinct'; of: string; field: string; where: string; at?: string }
  | { kind: 'ratio'; of: string; where: string; over: string; at?: string }
  | {
      kind: 'time'
      of: string
      since: string
      until: string
      where: string
      take: string
      per: number | string
      at?: string
      q?: number
    }
  | { kind: 'formula'; text: string; parts: string[]; constants?: string[]; when_zero?: number }

export type Band = { name: Named; at_least?: number | null; over?: number | null }
export type Reference = { name: Named; value: number; at: string; basis: string }
export type ConstantValue = { from: string; until?: string | null; value: number; basis: string }
export type Constant = { id: string; name: Named; values: ConstantValue[] }

export type KpiDefinition = Definition & {
  expression: Expression
  min_samples: number
  fresh_within_s: number | null
  targets: Target[]
  basis: string
  roll_up: string
  per: string[]
  bands: Band[]
  references: Reference[]
  /** What several windows of one definition share; empty for a definition with one. */
  family: string
}

export type Measure = {
  id: string
  name: Named
  unit_of_measure: string
  kind: string
  least: number | null
  most: number | null
}

export type CaseType = { id: string; name: Named; statuses: string[]; attributes: string[] }

export type Definitions = {
  sectors: Sector[]
  kpis: KpiDefinition[]
  measures: Measure[]
  case_types: CaseType[]
  constants: Constant[]
}

export type FeedingSource = {
  source: string
  name: Named
  condition: Condition
  last_success: string | null
  error?: string
}

export type Values = { as_of: string; kpis: KpiValue[] }
export type UnitRow = { unit: Unit; value: KpiValue | null; freshness: Freshness }

/** What stands behind a present value. */
export type Explained = {
  id: string
  unit: string
  samples: number
  sources: FeedingSource[]
  cases: { count: number; by_status: Record<string, number> } | null
}

/** A closed period whose published value was changed later; a value is null where there was none. */
export type Restatement = {
  kpi: string
  unit: string
  period_from: string
  period_to: string
  restated_at: string
  value_before: number | null
  value_after: number | null
  cause: string
}
