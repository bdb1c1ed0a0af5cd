/** How the tiles of a scene stand together: against their targets, and in their freshness. */

import type { KpiValue } from '../../lib/live/messages'
import { distance, type Distance } from '../../lib/kpi_values/target'

export type Missed = { value: KpiValue; distance: Distance }
export type TargetStanding = { met: number; all: number; missed: Missed[] }

/** Only live values are judged: what is stale is neither met nor missed. The farthest from its goal comes first. */
export function targetStanding(values: readonly (KpiValue | undefined)[]): TargetStanding {
  const judged = values.flatMap((value) => {
    if (!value || value.freshness !== 'live' || value.value === null) return []
    const found = distance(value.value, value.target)
    return found ? [{ value, distance: found }] : []
  })
  const missed = judged
    .filter(({ distance }) => distance.missed)
    .sort((a, b) => share(b.distance) - share(a.distance) || (a.value.id < b.value.id ? -1 : 1))
  return { met: judged.length - missed.length, all: judged.length, missed }
}

const share = ({ goal, difference }: Distance): number => Math.abs(difference) / (Math.abs(goal) || 1)
