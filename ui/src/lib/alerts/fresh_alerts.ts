/** Critical alerts that have just come. */

import type { Alert } from '../live/messages'

/** `known` are the ids of those that make noise now, for the next call; null at the first, when nothing is news. */
export function freshCritical(
  alerts: Iterable<Alert>,
  known: ReadonlySet<string> | null,
): { fresh: Alert[]; known: Set<string> } {
  const now = new Map<string, Alert>()
  for (const alert of alerts) if (alert.severity === 1 && !alert.quiet) now.set(alert.id, alert)
  const fresh = known ? [...now.values()].filter(({ id }) => !known.has(id)) : []
  return { fresh, known: new Set(now.keys()) }
}
