/** Texts of the pages: one file a language, flat keys, `{name}` for what is filled in. Vietnamese is the first. */

import en from '../../texts/en.json'
import vi from '../../texts/vi.json'

export type Language = 'vi' | 'en'
export type TextKey = keyof typeof vi
export type Say = (key: TextKey, filled?: Record<string, string | number>) => string

export const TEXTS: Record<Language, Record<string, string>> = { vi, en }

export function speaker(language: Language): Say {
  const texts = TEXTS[language]
  return (key, filled = {}) =>
    (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => String(filled[name] ?? whole))
}

/** A definition's unit of measure in the reader's language. */
export function unitOfMeasure(of: { unit_of_measure: string; unit_of_measure_en: string }, language: Language): string {
  return language === 'en' ? of.unit_of_measure_en || of.unit_of_measure : of.unit_of_measure
}

/** A name from the catalogue; Vietnamese where the other language is missing. */
export function named(name: { vi?: string; en?: string }, language: Language): string {
  return name[language] || name.vi || ''
}
