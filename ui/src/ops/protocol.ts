/** Alerts in full, silences, rules and incidents, as the centre gives them. Times are RFC 3339 in UTC. */

import type { Alert, Named } from '../live/protocol'

export type Limits = {
  fires_above: number | null
  fires_below: number | null
  clears_below: number | null
  clears_above: number | null
}

export type Act = { done_at: string; who: string; act: string; text: string }
export type Transition = { kind: string; moved_at: string; value: number | null; rule_version: string }
export type Delivery = { id: string; channel: string; receiver: string; person: string; planned_at: string; state: string }
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
  version: string
  text: string
  /** How many units it watches, and for how many it fires now. */
  units: number
  firing: number
  out_of_service: { until: string; by: string; why: string } | null
}
export type Recipient = { route: string; receiver: string; channel: string; person: string; after: number; is_escalation: boolean }
/** `text` is the rule as the centre would write it. */
export type Checked = { sound: boolean; errors: readonly { field: string; message: string }[]; text: string; told?: readonly Recipient[] }
/** `number` 0 is the rule of the packs. */
export type Version = { number: number; by: string; at: string | null; why: string; text: string }
export type Replay = { count: number; firing_s: number; units: Readonly<Record<string, number>> }
export type Backtest = { from: string; to: string; units: number; after: Replay; before: Replay | null }

export type Following = { procedure: Procedure; ticks: Readonly<Record<string, { by: string; at: string; note: string }>>; done: number; steps: number }
export type Incident = {
  id: string
  title: string
  severity: SeverityWord
  opened_at: string
  opened_by: string
  alerts: readonly string[]
  assignee: string
  procedures: Readonly<Record<string, Following>>
  timeline: readonly { at: string; by: string; act: string; of: string; text: string }[]
  closed_at: string | null
  closing_reason: string | null
}
