/** Numbers as people read them here: 1.234,5 in Vietnamese, 1,234.5 in English. The minus is a true one (U+2212). */

import type { Language } from '../texts'

const LOCALES: Record<Language, string> = { vi: 'vi-VN', en: 'en-GB' }

/** `digits` after the decimal mark, always that many. A value that rounds to zero has no sign. */
export function number(value: number, digits: number, language: Language): string {
  return format(value, digits, language, 'negative')
}

/** With its sign, plus too: for distances. */
export function signed(value: number, digits: number, language: Language): string {
  return format(value, digits, language, 'exceptZero')
}

type Signs = 'negative' | 'exceptZero'

// Making a format costs a hundred times what using it does, and pages write hundreds of numbers at once.
const formats = new Map<string, Intl.NumberFormat>()

function format(value: number, digits: number, language: Language, signDisplay: Signs): string {
  const key = `${language} ${digits} ${signDisplay}`
  let made = formats.get(key)
  if (!made) {
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay }
    // vi-VN and en-GB group from 1000 on; 'always' holds it whatever the locale data of the browser say.
    made = new Intl.NumberFormat(LOCALES[language], { ...options, useGrouping: 'always' } as Intl.NumberFormatOptions)
    formats.set(key, made)
  }
  return made.format(value).replace('-', '−')
}

export type Magnitude = '' | 'million' | 'billion'
export type Short = { text: string; magnitude: Magnitude }

/** A tile holds six figures; above a million three significant ones are left, with their magnitude in words. */
export function short(value: number, digits: number, language: Language): Short {
  const size = Math.abs(value)
  if (size < 999_999.5) return { text: number(value, digits, language), magnitude: '' }
  const magnitude: Magnitude = size < 999_999_999.5 ? 'million' : 'billion'
  const scaled = value / (magnitude === 'million' ? 1e6 : 1e9)
  const scaledDigits = Math.abs(scaled) < 9.995 ? 2 : Math.abs(scaled) < 99.95 ? 1 : 0
  return { text: number(scaled, scaledDigits, language), magnitude }
}
