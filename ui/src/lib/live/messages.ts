/** Messages of `/ws/v1`. OpenAPI describes no websockets, so their frames are written here; what the frames carry has
 * the shapes of the API's answers. Times are RFC 3339 in UTC. */

import type { Refined } from '../api/refined'
import type { AlertShape, KpiShape, ReasonShape, SourceAccountShape, SourceShape } from '../api/schema'

export type {
  CentreShape as Centre,
  DefinitionShape as Definition,
  DisplayShape as Display,
  KpiShape as KpiValue,
  PointShape as Point,
  SceneShape as Scene,
  SourceShape as SourceState,
  TargetShape as Target,
  UnitShape as Unit,
} from '../api/schema'

/** A name or a sentence by language. */
export type Named = { [language: string]: string }
export type Freshness = KpiShape['freshness']
export type Condition = SourceShape['condition']
export type Severity = 1 | 2 | 3 | 4 // critical, high, medium, low
export type Quiet = Refined<ReasonShape, { kind: 'silenced_by' | 'inhibited_by' | 'outside_hours' }>
/** `holder` is empty when nobody has acknowledged the alert. `limit` is such as "> 5", `value` that of the last change.
 * `quiet` alerts make no sound and are not on the wall. */
export type Alert = Refined<
  AlertShape,
  { severity: Severity; state: 'firing' | 'recovering'; suppression: readonly Quiet[]; matchers: readonly string[] }
>
/** The sums over all sources. */
export type Ledger = Refined<Omit<SourceAccountShape, 'source' | 'fenced_records'>, { rejected: number }> & {
  balanced: boolean
}

export type Removed = { removed: true }
export type Changes = {
  kpis?: (KpiShape | ({ id: string; unit: string } & Removed))[]
  sources?: (SourceShape | ({ source: string } & Removed))[]
  alerts?: (Alert | ({ id: string } & Removed))[]
  ledger?: Ledger
}

export type Message =
  | { type: 'hello'; version: number; epoch: string; seq: number; server_time: string }
  | ({ type: 'snap'; seq: number } & Changes)
  | ({ type: 'delta'; prev: number; seq: number } & Changes)
  | { type: 'hb'; seq: number; server_time: string }
