/** Figures and lengths of time as they are typed. What cannot be read stays as it was typed: the centre says what is
 * wrong with it, and the reader mends it where it stands. */

import { exact, typedNumber } from '../../../lib/format/numbers'
import type { Language } from '../../../lib/i18n'

/** An empty text is not a number. */
export function figure(typed: string, language: Language): number | string | undefined {
  const text = typed.trim()
  return text ? (typedNumber(text, language) ?? text) : undefined
}

export function figureText(value: unknown, language: Language): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'number' ? exact(value, language) : String(value)
}

export const STEPS = ['s', 'm', 'h', 'd'] as const
export type Step = (typeof STEPS)[number]

/** "30m" as ["30", "m"]; what is not written so as a whole before the first step. */
export function lengthParts(value: unknown): [string, Step] {
  const text = value === undefined || value === null ? '' : String(value)
  const [, n, step] = /^(\d+)([smhd])$/.exec(text) ?? []
  return step ? [n as string, step as Step] : [text, 'm']
}

export function lengthOf(typed: string, step: Step): string | undefined {
  const text = typed.trim()
  if (!text) return undefined
  return /^\d+$/.test(text) ? `${Number(text)}${step}` : text
}
