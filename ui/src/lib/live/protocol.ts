/** Messages of `/ws/v1` and the descriptions of `/api/v1`, as the centre sends them. Times are RFC 3339 in UTC. */

export type Named = { vi: string; en: string }
export type Freshness = 'live' | 'stale' | 'insufficient' | 'no_data'
export type Severity = 1 | 2 | 3 | 4 // critical, high, medium, low

export type Target = { year: number; at_least?: number | null; at_most?: number | null; basis?: string }

export type KpiValue = {
  id: string
  unit: string
  value: number | null
  unit_of_measure: string
  as_of: string | null
  window: { from: string; to: string }
  samples: number
  min_samples: number
  freshness: Freshness
  target: Target | null
  /** False where the unit never reported what the KPI is made of. */
  reported?: false
  definition_version: string
  /** When a value of a closed period that was published before was put right. */
  restated_at?: string | null
}

export type Condition = 'starting' | 'waiting' | 'live' | 'late' | 'failing' | 'unavailable' | 'refusing'

export type SourceState = {
  source: string
  kind: string
  name: Named
  condition: Condition
  lag_s: number | null
  last_success: string | null
  error: string
}

/** Why an alert makes no noise though nobody has put it aside by itself; `of` is the silence, the alert, the rule. */
export type Quiet = { kind: 'silenced_by' | 'inhibited_by' | 'outside_hours'; of: string; text: string; texts?: Named }

/** An alert that has fired and not ended; `recovering` when its condition is over, for it may wait to be acknowledged.
 * `holder` is who has acknowledged it, empty when nobody has. `limit` as "> 5"; `value` is that of its last change.
 * `quiet`: put aside by somebody or kept quiet; not for the wall, no sound. */
export type Alert = {
  id: string
  rule: string
  severity: Severity
  kpi: string
  unit: string
  name: Named
  since: string
  state: 'firing' | 'recovering'
  holder: string
  /** The person behind the account. */
  holder_name?: string
  handling: 'unacknowledged' | 'acknowledged' | 'shelved' | 'out_of_service'
  suppression: readonly Quiet[]
  /** Who handled it and why, in one sentence. */
  handled: string
  quiet: boolean
  value: number | null
  unit_of_measure: string
  digits: number
  limit: string
  /** The limit as readers write it. */
  limits?: Named
  labels: Readonly<Record<string, string>>
  /** Texts of matchers that mean this alert and no other. */
  matchers?: readonly string[]
  procedure: string
  /** For an alert of another system: its sender, further texts and links. */
  source?: string
  annotations?: Readonly<Record<string, string>>
  link?: string
}

export type Ledger = {
  balanced: boolean
  received: number
  applied: number
  duplicate: number
  rejected: number
  in_flight: number
}

export type Removed = { removed: true }
export type Changes = {
  kpis?: (KpiValue | ({ id: string; unit: string } & Removed))[]
  sources?: (SourceState | ({ source: string } & Removed))[]
  alerts?: (Alert | ({ id: string } & Removed))[]
  ledger?: Ledger
}

export type Message =
  | { type: 'hello'; version: number; epoch: string; seq: number; server_time: string }
  | ({ type: 'snap'; seq: number } & Changes)
  | ({ type: 'delta'; prev: number; seq: number } & Changes)
  | { type: 'hb'; seq: number; server_time: string }

export type Centre = {
  province: { code: string; name: string; short_name: string }
  zone: string
  demonstration: boolean
  version: string
}

export type Unit = {
  code: string
  name: string
  short_name: string
  /** province, commune, ward, special_zone; department for an agency of the province. */
  kind: string
  parent: string
  latitude: number | null
  longitude: number | null
  /** Days as 2027-01-01; the unit exists in [valid_from, valid_to). */
  valid_from?: string | null
  valid_to?: string | null
}

export type Definition = {
  id: string
  sector: string
  name: Named
  short_name: Partial<Named>
  unit_of_measure: string
  unit_of_measure_en: string
  window: string
  digits: number
  version: string
}

export type Scene = { id: string; name: Named; tiles: string[] }
export type Display = { id: string; scenes: Scene[] }
export type Point = { time: string; value: number | null; samples: number; restated?: boolean }
