/** Names for the catalogue and the origin of a value, as the API answers them. Times are RFC 3339 in UTC, days ISO. */

import type { Refined } from '../api/refined'
import type { DefinitionShape, DefinitionsShape, ExplanationShape, ExpressionShape, FeedShape } from '../api/schema'
import type { KpiValue, Condition, Freshness, Unit } from '../live/messages'

export type {
  SectorShape as Sector,
  BandShape as Band,
  ReferenceShape as Reference,
  ConstantValueShape as ConstantValue,
  ConstantShape as Constant,
  MeasureShape as Measure,
  CaseTypeShape as CaseType,
  KpiListShape as Values,
  CaseGroupShape as Group,
  RestatementShape as Restatement,
} from '../api/schema'

export type KpiDefinition = Refined<DefinitionShape, { expression: Expression }>
export type Definitions = Refined<DefinitionsShape, { kpis: KpiDefinition[] }>
export type Feeder = Refined<FeedShape, { condition: Condition | null }>

/** An expression of one kind, with the fields that this kind always has and those that it may have. */
type Kind<
  Name extends ExpressionShape['kind'],
  Has extends keyof ExpressionShape,
  May extends keyof ExpressionShape,
> = {
  kind: Name
} & Required<Pick<ExpressionShape, Has>> &
  Pick<ExpressionShape, May>
export type Expression =
  | Kind<'aggregate', 'measure' | 'take', 'per' | 'q'>
  | Kind<'count', 'of' | 'where', 'at'>
  | Kind<'sum' | 'distinct', 'of' | 'field' | 'where', 'at'>
  | Kind<'ratio', 'of' | 'where' | 'over', 'at'>
  | Kind<'time', 'of' | 'since' | 'until' | 'where' | 'take' | 'per', 'at' | 'q' | 'working'>
  | Kind<'formula', 'text' | 'parts', 'constants' | 'when_zero'>
export type UnitRow = { unit: Unit; value: KpiValue | null; freshness: Freshness }
export type Explained = Refined<ExplanationShape, { sources: Feeder[] }>
