/** Matchers: which alerts a silence means. As the centre reads them: all must hold, a pattern speaks of the whole value,
 * a label that is absent counts as empty. */

import type { Alert } from '../live/protocol'
import type { Matcher } from './protocol'

export const SIGNS = ['=', '!=', '=~', '!~'] as const

export const matcherText = ({ label, sign, value }: Matcher): string => `${label}${sign}"${value.replaceAll('"', '\\"')}"`

/** Rows without a label are not yet written. */
export const written = (matchers: readonly Matcher[]): Matcher[] => matchers.filter(({ label, value }) => label.trim() && value.trim())

/** Why these may not be sent; null when they may. `everything`: they also hold for an alert without any label. */
export function fault(matchers: readonly Matcher[]): 'empty' | 'everything' | 'pattern' | null {
  const found = written(matchers)
  if (!found.length) return 'empty'
  try {
    return found.map((matcher) => accepts(matcher, '')).every(Boolean) ? 'everything' : null
  } catch {
    return 'pattern'
  }
}

function accepts({ sign, value }: Matcher, label: string): boolean {
  const same = sign.endsWith('~') ? new RegExp(`^(?:${value})$`).test(label) : label === value
  return same !== sign.startsWith('!')
}

/** How many of the alerts they mean; 0 while they may not be sent. */
export function meant(matchers: readonly Matcher[], alerts: Iterable<Alert>): number {
  if (fault(matchers)) return 0
  const found = written(matchers)
  let count = 0
  for (const { labels } of alerts) if (found.every((matcher) => accepts(matcher, labels[matcher.label.trim()] ?? ''))) count += 1
  return count
}

/** The alert's own rule and place. */
export const ofAlert = (alert: Alert): Matcher[] => [
  { label: 'rule', sign: '=', value: alert.rule },
  { label: 'unit', sign: '=', value: alert.unit },
]
