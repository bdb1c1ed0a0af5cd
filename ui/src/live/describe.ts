/** What the centre says of itself: read at the start, again when it restarts or its catalogue changes. */

import type { Centre, Definition, Display, Point, Unit } from './protocol'

export type Description = {
  centre: Centre
  province: Unit | null
  communes: Unit[]
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
    ask<Display>(`/api/v1/displays/${encodeURIComponent(display)}`, () => new NoDisplay(display)),
  ])
  const code = centre.province.code
  return {
    centre,
    province: units.find((unit) => unit.code === code) ?? null,
    communes: units.filter((unit) => unit.parent === code),
    definitions: new Map(kpis.map((kpi) => [kpi.id, kpi])),
    display: shown,
  }
}

export type HistorySpan = { from_ms: number; to_ms: number; step: string }

export async function history(kpi: string, unit: string, { from_ms, to_ms, step }: HistorySpan): Promise<Point[]> {
  const query = new URLSearchParams({ unit, from: rfc3339(from_ms), to: rfc3339(to_ms), step })
  return (await ask<{ points: Point[] }>(`/api/v1/kpis/${encodeURIComponent(kpi)}/history?${query}`)).points
}

async function ask<T>(path: string, missing?: () => Error): Promise<T> {
  const answer = await fetch(path, { signal: AbortSignal.timeout(15_000), headers: { accept: 'application/json' } })
  if (answer.status === 404 && missing) throw missing()
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  return (await answer.json()) as T
}

const rfc3339 = (time_ms: number): string => `${new Date(time_ms).toISOString().slice(0, 19)}Z`
