/** Names for what `/api/v1/reports` answers. */

import type { Refined } from '../../lib/api/refined'
import type { FieldFault } from '../../lib/api/request'
import type { CorrectionShape, IssueShape, ReportJobShape, ReportShape } from '../../lib/api/schema'

export type {
  ReportCellShape as Cell,
  ReportColumnShape as Column,
  ReportRowShape as Row,
  ReportTableShape as Table,
  ReportChartShape as Drawing,
  ReportTextShape as Prose,
  CorrectionShape as Correction,
  SendingShape as Sending,
  IssueSummaryShape as IssueShort,
  IssueShape as Issue,
} from '../../lib/api/schema'

export type Names = { [language: string]: string }
export type Block = IssueShape['blocks'][number]
export type Cause = CorrectionShape['cause']
export type Length = ReportShape['period']
/** A report on its way: `issue` once it is there, `detail` and `errors` why it could not be made. */
export type Job = Refined<ReportJobShape, { errors: FieldFault[] }>
export type Report = Refined<ReportShape, { making: Job[]; last_made: Job | null }>

/** The lab was restarted while it made an issue. */
export class JobLost extends Error {}
