/** Matchers: which alerts a silence means. What they mean and whether they may be used is for the centre to say
 * (`checkSilence`); here they are only written and read. */

import type { Alert } from '../../../lib/live/messages'
import type { Matcher } from '../shapes'

export const SIGNS = ['=', '!=', '=~', '!~'] as const
const WRITTEN = /^(\w+)(=~|!~|!=|=)"(.*)"$/s

export const matcherText = ({ label, sign, value }: Matcher): string =>
  `${label}${sign}"${value.replaceAll('"', '\\"')}"`

/** Parse the text that the centre gives; null for another form. */
export function matcherOf(text: string): Matcher | null {
  const [, label, sign, value] = WRITTEN.exec(text) ?? []
  return label && sign && value !== undefined
    ? { label, sign: sign as Matcher['sign'], value: value.replaceAll('\\"', '"') }
    : null
}

/** Rows without a label are not yet written. */
export const written = (matchers: readonly Matcher[]): Matcher[] =>
  matchers.filter(({ label, value }) => label.trim() && value.trim())

/** Those that mean this alert whenever it fires, and no other. */
export const ofAlert = (alert: Alert): Matcher[] => (alert.matchers ?? []).map(matcherOf).filter((one) => one !== null)
