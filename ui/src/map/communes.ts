/** What a bubble says of a commune: the worst alert there, else whether any live value speaks of it. */

import type { Alert, KpiValue, Severity, Unit } from '../live/protocol'

export type CommuneState = { unit: Unit; severity: Severity | null; silent: boolean }

/** In the order of `units`. `silent`: no live value of any KPI, so that "normal" cannot be claimed. */
export function communeStates(
  units: readonly Unit[],
  kpis: Iterable<KpiValue>,
  alerts: Iterable<Alert>,
  lost: boolean,
): CommuneState[] {
  const heard = new Set<string>()
  for (const kpi of kpis) if (kpi.freshness === 'live' && kpi.value !== null) heard.add(kpi.unit)
  const worst = new Map<string, Severity>()
  for (const { unit, severity } of alerts) worst.set(unit, Math.min(severity, worst.get(unit) ?? 4) as Severity)
  return units.map((unit) => ({
    unit,
    severity: worst.get(unit.code) ?? null,
    silent: lost || !heard.has(unit.code),
  }))
}
