/** The live store: one full state, then keyed changes. Applying is a pure step; what is shown is a view of it. */

import type { Alert, Changes, KpiValue, Ledger, Message, SourceState } from './messages'

export type Live = {
  epoch: string
  seq: number
  kpis: ReadonlyMap<string, KpiValue>
  sources: ReadonlyMap<string, SourceState>
  alerts: ReadonlyMap<string, Alert>
  ledger: Ledger | null
  /** False until the first full state, and between a hello of another epoch and its full state. */
  complete: boolean
}

export const NOTHING_YET: Live = {
  epoch: '',
  seq: -1,
  kpis: new Map(),
  sources: new Map(),
  alerts: new Map(),
  ledger: null,
  complete: false,
}

export const kpiKey = (id: string, unit: string): string => `${unit} ${id}`

/** What the connection must do after a message: go on, or ask for the full state anew. */
export type Step = { live: Live; resync: boolean }

/** `live` itself is never changed: an unchanged part keeps its identity, so that only what changed is painted. */
export function apply(live: Live, message: Message): Step {
  switch (message.type) {
    case 'hello':
      if (message.version !== 1) return { live, resync: true }
      if (message.epoch === live.epoch) return { live, resync: false }
      return { live: { ...live, epoch: message.epoch, seq: -1, complete: false }, resync: false }
    case 'snap':
      return { live: { ...changed({ ...NOTHING_YET, epoch: live.epoch }, message), complete: true }, resync: false }
    case 'delta':
      if (!live.complete || message.prev !== live.seq) return { live, resync: true }
      return { live: changed(live, message), resync: false }
    default:
      return { live, resync: false }
  }
}

function changed(live: Live, changes: Changes & { seq: number }): Live {
  return {
    ...live,
    seq: changes.seq,
    kpis: keyed(live.kpis, changes.kpis, (kpi) => kpiKey(kpi.id, kpi.unit)),
    sources: keyed(live.sources, changes.sources, (source) => source.source),
    alerts: keyed(live.alerts, changes.alerts, (alert) => alert.id),
    ledger: changes.ledger ?? live.ledger,
  }
}

function keyed<Row extends object, Gone extends object>(
  present: ReadonlyMap<string, Row>,
  rows: (Row | Gone)[] | undefined,
  key: (row: Row | Gone) => string,
): ReadonlyMap<string, Row> {
  if (!rows?.length) return present
  const next = new Map(present)
  for (const row of rows) {
    if ('removed' in row) next.delete(key(row))
    else next.set(key(row), row as Row)
  }
  return next
}
