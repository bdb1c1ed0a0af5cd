/** What the centre says of itself: read at the start, again when it restarts or its catalogue changes. */

import { ask, Refused, rfc3339 } from './request'
import type { Centre, Definition, Display, Point, Unit } from '../live/messages'

export type Description = {
  centre: Centre
  communes: Unit[]
  /** The province, its communes and its agencies. */
  units: ReadonlyMap<string, Unit>
  definitions: ReadonlyMap<string, Definition>
  display: Display
}

/** The centre answered that it has no such display. */
export class NoDisplay extends Error {}

export async function describe(display: string): Promise<Description> {
  const [centre, { units }, { kpis }, shown] = await Promise.all([
    ask<Centre>('/api/v1/centre'),
    ask<{ units: Unit[] }>('/api/v1/units'),
    ask<{ kpis: Definition[] }>('/api/v1/definitions'),
    shownAt(display),
  ])
  const code = centre.province.code
  const today = new Intl.DateTimeFormat('en-CA', { timeZone: centre.zone }).format(new Date())
  return {
    centre,
    communes: units.filter((unit) => unit.parent === code && unit.kind !== 'department' && isInBeing(unit, today)),
    units: new Map(units.map((unit) => [unit.code, unit])),
    definitions: new Map(kpis.map((kpi) => [kpi.id, kpi])),
    display: shown,
  }
}

/** Whether a unit exists on a day (both as 2027-01-01); its last day is the one before `valid_to`. */
export function isInBeing(unit: Unit, day: string): boolean {
  return (!unit.valid_from || unit.valid_from <= day) && (!unit.valid_to || day < unit.valid_to)
}

/** A long history of a formula is computed from all the data of its parts. */
const HISTORY_PATIENCE_MS = 120_000

export type HistorySpan = { from_ms: number; to_ms: number; step: string }

export async function history(
  kpi: string,
  unit: string,
  { from_ms, to_ms, step }: HistorySpan,
  signal?: AbortSignal,
): Promise<Point[]> {
  const query = new URLSearchParams({ unit, from: rfc3339(from_ms), to: rfc3339(to_ms), step })
  return (
    await ask<{ points: Point[] }>(
      `/api/v1/kpis/${encodeURIComponent(kpi)}/history?${query}`,
      signal,
      HISTORY_PATIENCE_MS,
    )
  ).points
}

async function shownAt(display: string): Promise<Display> {
  try {
    return await ask<Display>(`/api/v1/displays/${encodeURIComponent(display)}`)
  } catch (error) {
    throw error instanceof Refused && error.status === 404 ? new NoDisplay(display) : error
  }
}
