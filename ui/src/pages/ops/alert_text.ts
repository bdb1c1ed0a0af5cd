/** Words of an alert in the reader's language. */

import { exact } from '../../lib/format/numbers'
import { unitOfMeasure, type Language } from '../../lib/i18n'
import type { Alert, Severity } from '../../lib/live/messages'
import type { SeverityWord } from './shapes'
import type { Described } from './session.svelte'

/** The gravest first: the place in it, counted from one, is the severity. */
export const SEVERITY_WORDS: readonly SeverityWord[] = ['critical', 'high', 'medium', 'low']
export const rank = (word: SeverityWord): Severity => (SEVERITY_WORDS.indexOf(word) + 1) as Severity

/** "> 2.500.000": the limit as the reader writes figures; `limit` is for programs. */
export function limitText({ limit, limits }: Pick<Alert, 'limit' | 'limits'>, language: Language): string {
  return (
    limits?.[language] ?? limit.replace(/-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g, (figure) => exact(Number(figure), language))
  )
}

/** The unit of measure of its value. */
export function measured(alert: Alert, { definitions }: Described, language: Language): string {
  const definition = definitions.get(alert.kpi)
  return definition ? unitOfMeasure(definition, language) : alert.unit_of_measure
}
