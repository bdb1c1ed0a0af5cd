/** A form about alerts that has been opened: it means those alerts, whatever comes or is chosen afterwards. */

import type { Alert, Named, Severity } from '../../../lib/live/messages'
import type { Duration } from '../durations'
import type { Matcher } from '../shapes'

export type FormAct = 'shelve' | 'comment' | 'incident' | 'close' | 'silence'
export type Subject = { id: string; name: Named; unit: string; severity: Severity }
/** Fields of a form as far as they are filled in. */
export type Written = {
  text?: string
  length?: Duration
  matchers?: Matcher[]
  why?: string
  ends_on_resolve?: boolean
}
export type Begun = { act: FormAct; subjects: readonly Subject[]; initial: string; matchers: readonly Matcher[] } & {
  written?: Written
}

export const subjectOf = ({ id, name, unit, severity }: Alert): Subject => ({ id, name, unit, severity })

const DRAFT = 'alerts '
/** The name of its draft: one for each act and set of alerts. */
export const draftName = ({ act, subjects }: Begun): string =>
  `${DRAFT}${act} ${subjects.map(({ id }) => id).join(' ')}`
export const isDraft = (name: string): boolean => name.startsWith(DRAFT)
