/** Names for what `/api/v1/explore` answers. Times are RFC 3339 in UTC. */

import type { Refined } from '../../lib/api/refined'
import type { ChangeShape, ContributionShape, GroupingShape, KpiSqlShape } from '../../lib/api/schema'

export type {
  UnitSeriesShape as UnitSeries,
  TargetSpanShape as TargetSpan,
  PeriodShape as Covered,
  SeriesShape as Series,
  MomentValueShape as Standing,
  PartEffectShape as PartEffect,
  ModelScoreShape as Score,
  ForecastPointShape as Reach,
  ForecastShape as Forecast,
} from '../../lib/api/schema'

export type Contribution = Refined<ContributionShape, { share: [number, number] }>
export type Grouping = Refined<GroupingShape, { groups: Contribution[]; rest: Contribution | null }>
export type Change = Refined<ChangeShape, { groupings: Grouping[] }>
export type WrittenSql = Refined<KpiSqlShape, { reads: 'definition' | 'kpi_periods' | 'kpi_values' }>
