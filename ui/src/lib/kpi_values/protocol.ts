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

/** What a source gave of one word (a measure or case type); a source that was removed has no name and no condition. */
export type Feeder = {
  source: string
  name: Partial<Named>
  feeds: string
  rows: number
  last_at: string
  condition: Condition | null
  last_success: string | null
  behind: boolean
}

export type Values = { as_of: string; kpis: KpiValue[] }
export type UnitRow = { unit: Unit; value: KpiValue | null; freshness: Freshness }

/** `samples` cases, of which `counted` meet the condition that is counted. */
export type Group = { name: string; samples: number; counted: number }

/** What stands behind a present value. */
export type Explained = {
  value: KpiValue
  parts: KpiValue[]
  sources: Feeder[]
  cases: { case_type: string; by_status: Group[]; by_service: Group[] } | null
  restatements: Restatement[]
}

/** A closed period whose published value was changed later: by late data, or by another definition. */
export type Restatement = {
  window: { from: string; to: string }
  before: { value: number | null; at: string }
  after: { value: number | null; at: string }
  cause: { kind: 'data' | 'definition'; late_samples: number }
}
