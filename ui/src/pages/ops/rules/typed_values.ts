/** Numbers as they are typed. What cannot be read stays as it was typed: the centre says what is wrong with it. */

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
