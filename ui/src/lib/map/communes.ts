/** Text of a commune's bubble: the worst alert there, else its state. */

import type { Alert, KpiValue, Severity, Unit } from '../live/messages'

/** `normal`: some live value is made of data; `quiet`: it reports, and nothing occurred; `silent`: it has reported,
 * but no value is live now; `never`: it never reported anything. Of the last two "normal" cannot be claimed. */
export type Hearing = 'normal' | 'quiet' | 'silent' | 'never'
export type CommuneState = { unit: Unit; severity: Severity | null; hearing: Hearing }

/** In the order of `units`. */
export function communeStates(
  units: readonly Unit[],
  kpis: Iterable<KpiValue>,
  alerts: Iterable<Alert>,
  lost: boolean,
): CommuneState[] {
  const best = new Map<string, Hearing>()
  const order: Hearing[] = ['normal', 'quiet', 'silent', 'never']
  for (const kpi of kpis) {
    if (kpi.reported === false) continue
    const live = kpi.freshness === 'live' && kpi.value !== null
    const hearing: Hearing = !live ? 'silent' : kpi.samples > 0 ? 'normal' : 'quiet'
    const known = best.get(kpi.unit) ?? 'never'
    if (order.indexOf(hearing) < order.indexOf(known)) best.set(kpi.unit, hearing)
  }
  const worst = new Map<string, Severity>()
  for (const { unit, severity } of alerts) worst.set(unit, Math.min(severity, worst.get(unit) ?? 4) as Severity)
  return units.map((unit) => {
    const hearing = best.get(unit.code) ?? 'never'
    return { unit, severity: worst.get(unit.code) ?? null, hearing: lost && hearing !== 'never' ? 'silent' : hearing }
  })
}
