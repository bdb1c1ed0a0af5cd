/** The address of a page names what it shows: page, display, language, theme. Reload and share work. */

import { at } from './base_path'
import type { Language } from '../i18n'

export type Theme = 'dark' | 'light'
export type Page =
  | { kind: 'wall'; display: string }
  | { kind: 'catalog'; kpi: string }
  | { kind: 'sources' }
  | { kind: 'ops' }
  | { kind: 'login' }
  | { kind: AnalysisKind }
  | { kind: 'unknown' }
export type DeskKind = 'ops' | 'catalog' | 'sources' | AnalysisKind
/** The pages of the analysts, one section of the navigation with a tab each. */
export const ANALYSIS = ['lab', 'explore', 'reports', 'open'] as const
export type AnalysisKind = (typeof ANALYSIS)[number]

/** Decode a part of an address; `otherwise` for one that is not escaped text, such as %zz. */
export function decoded<T>(part: string, otherwise: T): string | T {
  try {
    return decodeURIComponent(part)
  } catch {
    return otherwise
  }
}

/** The part of the page's address after the #; as it is written where it is not escaped text. */
export const fragment = (): string => decoded(location.hash.slice(1), location.hash.slice(1))

export function page(path: string): Page {
  const [first = '', second = '', ...rest] = path.split('/').filter(Boolean)
  const named = decoded(second, null)
  if (named === null) return { kind: 'unknown' }
  if (first === 'wall' && rest.length === 0) return { kind: 'wall', display: named || 'main' }
  if (first === 'catalog' && rest.length === 0) return { kind: first, kpi: named }
  if (first === 'ops' && second === '') return { kind: first }
  if (first === 'login' && second === '') return { kind: first }
  if (isAnalysis(first) && second === '') return { kind: first }
  if (first === 'sources' && second === '') return { kind: first }
  return { kind: 'unknown' }
}

export function isAnalysis(kind: string | null): kind is AnalysisKind {
  return (ANALYSIS as readonly (string | null)[]).includes(kind)
}

export function language(search: string): Language {
  return new URLSearchParams(search).get('lang') === 'en' ? 'en' : 'vi'
}

/** Dark unless asked: a browser without a setting says it prefers light, and a wall hangs in a dim room. `auto` follows
 * the computer's setting, `prefersLight`. */
export function theme(search: string, prefersLight: boolean): Theme {
  const asked = new URLSearchParams(search).get('theme')
  return asked === 'light' || (asked === 'auto' && prefersLight) ? 'light' : 'dark'
}

export function withLanguage(search: string, wanted: Language): string {
  const query = new URLSearchParams(search)
  if (wanted === 'vi') query.delete('lang')
  else query.set('lang', wanted)
  const text = query.toString()
  return text ? `?${text}` : ''
}

/** Where a KPI is explained, for a unit other than the province. */
export function catalogPath(kpi: string, { unit = '', language = 'vi' as Language, range = '' } = {}): string {
  const query = new URLSearchParams()
  if (unit) query.set('unit', unit)
  if (range) query.set('range', range)
  const search = withLanguage(query.toString(), language)
  return at(`/catalog${kpi ? `/${encodeURIComponent(kpi)}` : ''}${search}`)
}
