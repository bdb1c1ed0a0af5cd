/** Numbers as people read them here: 1.234,5 in Vietnamese, 1,234.5 in English. The minus is a true one (U+2212). */

import type { Language } from '../i18n'

const LOCALES: Record<Language, string> = { vi: 'vi-VN', en: 'en-GB' }

/** `digits` after the decimal mark, always that many. A value that rounds to zero has no sign. */
export function number(value: number, digits: number, language: Language): string {
  return format(value, digits, language, 'negative')
}

/** With its sign, plus too: for distances. */
export function signed(value: number, digits: number, language: Language): string {
  return format(value, digits, language, 'exceptZero')
}

/** Every figure of a value that a person has set, such as a limit: 2.500.000 and 0,00001; never an exponent. */
export function exact(value: number, language: Language): string {
  const [, size = '', power = ''] = /^([\d.]+)(?:e([+-]\d+))?$/.exec(String(Math.abs(value))) ?? []
  if (!size) return String(value)
  const digits = Math.min(100, Math.max(0, (size.split('.')[1]?.length ?? 0) - Number(power)))
  return format(value, digits, language, 'negative')
}

/** Figures with their thousands parted, as each language does it. */
const GROUPED: Record<Language, { form: RegExp; parts: string; mark: string }> = {
  vi: { form: /^-?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?$/, parts: '.', mark: ',' },
  en: { form: /^-?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?$/, parts: ',', mark: '.' },
}

/** A figure as people type it: "1,5", "1.5", "2.500.000", "2,500,000.5"; null for what is none. What could be either,
 * such as "2.500", is read as the language writes it. */
export function typedNumber(typed: string, language: Language): number | null {
  const text = typed.trim().replace('−', '-')
  if (!/^-?(?:\d[\d.,]*|[.,]\d+)$/.test(text)) return null
  const [own, other] = language === 'vi' ? [GROUPED.vi, GROUPED.en] : [GROUPED.en, GROUPED.vi]
  const grouped = own.form.test(text) ? own : other.form.test(text) && /[.,].*[.,]/.test(text) ? other : null
  const value = Number(grouped ? text.replaceAll(grouped.parts, '').replace(grouped.mark, '.') : text.replace(',', '.'))
  return Number.isFinite(value) ? value : null
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
