/** Names for alerts in full, silences, rules, incidents and routing, as the API answers them. Times are RFC 3339 in
 * UTC. */

import type { Refined } from '../../lib/api/refined'
import type { FieldFault } from '../../lib/api/request'
import type {
  AlertDetailShape,
  DutyScheduleShape,
  DutyShape,
  DutyTableShape,
  IncidentShape,
  PastAlertShape,
  RoutingCheckShape,
  RuleCheckShape,
  RuleShape,
} from '../../lib/api/schema'
import type { Alert } from '../../lib/live/messages'

export type {
  AlertActionShape as Act,
  TransitionShape as Transition,
  AlertDeliveryShape as Delivery,
  SilenceShape as Silence,
  ProcedureShape as Procedure,
  OwnFigureShape as OwnFigure,
  RecipientShape as Recipient,
  FieldDifferenceShape as Difference,
  RuleVersionShape as Version,
  FiringShape as Firing,
  BacktestResultShape as Replay,
  BacktestShape as Backtest,
  FollowedProcedureShape as Following,
  AttachmentShape as Attachment,
  RouteShape as Route,
  ReceiverShape as Receiver,
  InhibitionShape as Inhibition,
  RoutingVersionShape as RoutingVersion,
  RoutingShape as Routing,
  VisitShape as Visit,
  RouteTestShape as Way,
  ChannelShape as Channel,
  DeliveryShape as Letter,
  FrequentAlertShape as Source,
  AlertAuditShape as Audit,
} from '../../lib/api/schema'

export type Checked = Refined<RuleCheckShape, { errors: FieldFault[] }>
export type CheckedRouting = Refined<RoutingCheckShape, { errors: FieldFault[] }>
export type Shift = Refined<DutyShape, { kind: 'shift' | 'exception' | 'otherwise' }>
export type Duty = Refined<DutyScheduleShape, { shifts: Shift[] }>
export type OnCall = Refined<DutyTableShape, { schedules: Duty[] }>
export type AlertInFull = Refined<AlertDetailShape, { alert: Alert | null }>
export type Rule = Refined<RuleShape, { severity: SeverityWord }>
export type Incident = Refined<IncidentShape, { severity: SeverityWord }>
export type Fired = Refined<PastAlertShape, { severity: SeverityWord }>

export type SeverityWord = 'critical' | 'high' | 'medium' | 'low'
/** A rule as it is written. */
export type Fields = Readonly<Record<string, unknown>>
export type Limits = {
  fires_above: number | null
  fires_below: number | null
  clears_below: number | null
  clears_above: number | null
}
export type Matcher = { label: string; sign: '=' | '!=' | '=~' | '!~'; value: string }
