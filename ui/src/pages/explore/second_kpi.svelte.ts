/** A KPI shown below the first one, on the same days and of the same units. */

import type { KpiDefinition } from '../../lib/kpi_values/shapes'
import { Asked } from '../../lib/api/resource.svelte'
import type { Series, WrittenSql } from './shapes'

export class Beside {
  readonly series = new Asked<Series>()
  readonly sql = new Asked<WrittenSql>()

  /** `units`: those of the chosen ones that it speaks of. */
  constructor(
    readonly definition: KpiDefinition,
    readonly units: string[],
  ) {}

  stop(): void {
    this.series.stop()
    this.sql.stop()
  }
}
