/** Alerts in full, silences, rules and incidents, as the centre gives them. Times are RFC 3339 in UTC. */

import type { FieldFault } from '../../lib/api/request'
import type { Alert, Named } from '../../lib/live/protocol'

export type Limits = {
  fires_above: number | null
  fires_below: number | null
  clears_below: number | null
  clears_above: number | null
}

export type Act = { done_at: string; who: string; act: string; text: string }
export type Transition = { kind: string; moved_at: string; value: number | null; rule_version: string }
export type Delivery = {
  id: string
  channel: string
  receiver: string
  person: string
  planned_at: string
  state: string
}
/** As a rule is written. */
export type Fields = Readonly<Record<string, unknown>>

/** `alert` is null for one that has ended, `rule` the fields of its rule. */
export type AlertInFull = {
  id: string
  alert: Alert | null
  rule: Fields | null
  acts: readonly Act[]
  transitions: readonly Transition[]
  deliveries: readonly Delivery[]
  incidents: readonly string[]
}

export type Matcher = { label: string; sign: '=' | '!=' | '=~' | '!~'; value: string }

export type Silence = {
  id: string
  matchers: readonly string[]
  from: string
  until: string
  by: string
  why: string
  ends_on_resolve: boolean
  state: 'waiting' | 'holds' | 'expired'
  ended_at: string | null
  ended_by: string
  alerts: readonly string[]
}

export type Procedure = { id: string; name: Named; steps: readonly { id: string; text: Named }[] }

export type SeverityWord = 'critical' | 'high' | 'medium' | 'low'
export type Rule = {
  id: string
  name: Named
  sector: string
  kpi: string
  severity: SeverityWord
  owner: string
  procedure: string
  version: string
  /** Revision of what is in force; a change names the one it was made from. */
  revision?: string
  fields: Fields
  text: string
  /** How many units it watches, and for how many it fires now. */
  units: number
  firing: number
  out_of_service: { until: string; by: string; why: string } | null
}
/** A figure of the centre itself, which rules may speak of as of a KPI. */
export type OwnFigure = { id: string; name: Named; unit_of_measure: string; digits: number }
/** Seconds from firing to the message; of an escalation without acknowledgement. */
export type Recipient = {
  route: string
  receiver: string
  channel: string
  person: string
  after: number
  is_escalation: boolean
}
/** `text` is the rule as the centre would write it; it and `fields` are missing when the TOML could not be read. */
export type Checked = {
  sound: boolean
  errors: readonly FieldFault[]
  text?: string
  fields?: Fields
  told?: readonly Recipient[]
}
export type Difference = { field: string; before: unknown; after: unknown }
/** `number` 0 is the rule of the packs; `fields` null took the rule out. */
export type Version = {
  number: number
  by: string
  at: string | null
  why: string
  of?: number
  text: string
  fields?: Fields | null
  difference?: readonly Difference[]
}
export type Firing = { unit: string; onset: string; fired: string; end: string | null }
export type Replay = {
  count: number
  firing_s: number
  units: Readonly<Record<string, number>>
  firings: readonly Firing[]
}
export type Backtest = {
  from: string
  to: string
  units: number
  after: Replay
  before: Replay | null
  gone?: readonly Firing[]
  new?: readonly Firing[]
  told?: readonly Recipient[]
}

export type Following = {
  procedure: Procedure
  ticks: Readonly<Record<string, { by: string; at: string; note: string }>>
  done: number
  steps: number
}
export type Attachment = { id: string; name: string; size_bytes: number; by: string; at: string }
export type Incident = {
  id: string
  title: string
  severity: SeverityWord
  opened_at: string
  opened_by: string
  alerts: readonly string[]
  assignee: string
  procedures: Readonly<Record<string, Following>>
  attachments: readonly Attachment[]
  timeline: readonly { at: string; by: string; act: string; of: string; text: string }[]
  closed_at: string | null
  closing_reason: string | null
}

export type Route = {
  id: string
  matchers: readonly string[]
  receivers: readonly string[]
  group_by: readonly string[]
  group_wait: number
  group_interval: number
  repeat_interval: number
  escalation: readonly { after: number; receivers: readonly string[] }[]
  goes_on: boolean
  routes: readonly Route[]
}
export type Receiver = {
  id: string
  name: Named
  channels: readonly string[]
  schedule: string
  template: string
  language: string
}
export type Inhibition = { id: string; source: readonly string[]; target: readonly string[]; equal: readonly string[] }
export type RoutingVersion = { number: number; by: string; at: string; why: string; text: string }
export type Routing = {
  text: string
  revision?: string
  route: Route
  receivers: readonly Receiver[]
  people?: readonly { id: string; name: string }[]
  inhibitions: readonly Inhibition[]
  on_duty: Readonly<Record<string, readonly string[]>>
  versions: readonly RoutingVersion[]
}
export type CheckedRouting = { sound: boolean; errors?: readonly FieldFault[] }
/** `refused_by` is the first matcher that did not hold; `stays`: the alert is told from here. */
export type Visit = { route: string; depth: number; refused_by: string; stays: boolean }
export type Way = {
  visits: readonly Visit[]
  recipients: readonly Recipient[]
  suppression?: readonly { kind: string; of: string; text: string; texts?: Named }[]
}

export type Shift = {
  from: string
  until: string
  people: readonly string[]
  kind: 'shift' | 'exception' | 'otherwise'
  why: string
}
export type Duty = {
  id: string
  name: Named
  shifts: readonly Shift[]
  /** Hours that no shift covers; nobody stands in when the list is empty. */
  gaps: readonly { from: string; until: string; stands_in: readonly string[] }[]
}
export type OnCall = {
  from: string
  to: string
  people: readonly { id: string; name: string }[]
  schedules: readonly Duty[]
}

export type Channel = {
  id: string
  kind: string
  to: string
  used_by: { receivers: readonly string[]; people: readonly string[] }
  waiting: number
  sent_24h: number
  dead_24h: number
  last_sent_at: string | null
  last_failed_at: string | null
  last_reason: string
  last_code?: string
  last_params?: Readonly<Record<string, unknown>>
  waiting_since?: string | null
  /** Why messages wait; null while none does. */
  waits_for?: {
    code: 'no_answer' | 'asked_to_wait' | 'refused' | 'turn'
    until: string | null
    said: Omit<FieldFault, 'field'>
  } | null
}
export type Letter = {
  id: string
  kind: string
  channel: string
  receiver: string
  person: string
  planned_at: string
  subject?: string
  state: string
  attempts: number
  reason: string
  code?: string
  params?: Readonly<Record<string, unknown>>
}

export type Source = { rule: string; unit: string; alerts: number; share: number }
/** Of [from, to); figures are those of one operator. `mix` is empty without alerts. */
export type Audit = {
  from: string
  to: string
  operators: number
  alerts: number
  per_window: number
  per_day: number
  busiest_window: number
  floods: readonly { from_ms: number; until_ms: number | null; alerts: number }[]
  flood_share: number
  chattering: readonly Source[]
  stale: readonly string[]
  top: readonly Source[]
  mix: Readonly<Partial<Record<'critical' | 'high' | 'lower', number>>>
  answer: { median_s: number | null; p90_s: number | null; acknowledged: number; open: number }
}
export type Fired = {
  alert: string
  rule: string
  unit: string
  severity: SeverityWord
  fired_at: string
  ended_at: string | null
  acknowledged_at: string | null
  acknowledged_by: string | null
}
