/** A flood on the wall: many alerts of one rule are one line with its places, so that the few causes are to be seen. */

import type { Alert, Named, Severity } from '../live/messages'

export type Cause = {
  key: string
  name: Named
  severity: Severity
  /** When the first of them began. */
  since: string
  alerts: [Alert, ...Alert[]]
  places: number
  unheld: number
  over: boolean
}

/** Its condition is over: it is shown until it is acknowledged or has been over for long enough, but is no alarm. */
export const isOver = ({ state }: Alert): boolean => state === 'recovering'

/** One for each alert while they fit in `room`; else one for each rule. `alerts` are in their order, the worst first;
 * what is over comes last. */
export function causes(alerts: readonly Alert[], room: number): Cause[] {
  const together = alerts.length > room
  const found = new Map<string, [Alert, ...Alert[]]>()
  for (const alert of alerts) {
    const key = together ? `${alert.rule || alert.id}` : alert.id
    const present = found.get(key)
    if (present) present.push(alert)
    else found.set(key, [alert])
  }
  return [...found]
    .map(([key, listed]) => ({
      key,
      name: listed[0].name,
      severity: listed[0].severity,
      since: listed.reduce((first, { since }) => (since < first ? since : first), listed[0].since),
      alerts: listed,
      places: new Set(listed.map(({ unit }) => unit)).size,
      unheld: listed.filter(({ holder }) => !holder).length,
      over: listed.every(isOver),
    }))
    .sort((a, b) => Number(a.over) - Number(b.over) || a.severity - b.severity || b.alerts.length - a.alerts.length)
}
