/** Words of an alert in the reader's language. */

import { exact } from '../../lib/format/numbers'
import { duration } from '../../lib/format/times'
import { unitOfMeasure, type Language, type Say } from '../../lib/i18n'
import type { Alert, Severity } from '../../lib/live/protocol'
import type { SeverityWord } from './protocol'
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

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** "5m", as a rule writes it, in words. */
export function lengthText(written: string, say: Say): string {
  const [, n, unit] = /^(\d+)([smhd])$/.exec(written) ?? []
  return unit ? duration(Number(n) * (SECONDS[unit] ?? 1), say) : written
}

/** The unit of measure of its value. */
export function measured(alert: Alert, { definitions }: Described, language: Language): string {
  const definition = definitions.get(alert.kpi)
  return definition ? unitOfMeasure(definition, language) : alert.unit_of_measure
}
