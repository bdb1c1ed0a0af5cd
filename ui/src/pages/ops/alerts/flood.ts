/** Whether alerts come in a flood, after EEMUA 191: it begins above ten in ten minutes. */

import type { Alert, Severity } from '../../../lib/live/messages'

export const WINDOW_MS = 600_000
export const FLOOD_FROM = 10

/** How many that make noise fired within the last ten minutes. */
export function recent(alerts: Iterable<Alert>, now_ms: number): number {
  const from = new Date(now_ms - WINDOW_MS).toISOString()
  let count = 0
  for (const { since, quiet } of alerts) if (!quiet && since >= from) count += 1
  return count
}

export type Cause = { rule: string; severity: Severity; alert: Alert; alerts: number; unheld: number }

/** Alerts that make noise by the rule that fired: the gravest cause first, of these the one with most alerts. */
export function byCause(alerts: Iterable<Alert>): Cause[] {
  const found = new Map<string, Cause>()
  for (const alert of alerts) {
    if (alert.quiet) continue
    const unheld = alert.handling === 'unacknowledged' ? 1 : 0
    const cause = found.get(alert.rule)
    if (!cause) found.set(alert.rule, { rule: alert.rule, severity: alert.severity, alert, alerts: 1, unheld })
    else {
      cause.alerts += 1
      cause.unheld += unheld
      if (alert.severity < cause.severity) cause.severity = alert.severity
    }
  }
  return [...found.values()].sort(
    (a, b) => a.severity - b.severity || b.alerts - a.alerts || (a.rule < b.rule ? -1 : 1),
  )
}
