/** Parameters of a query: which names stand in its text, what each asks for, what it begins with. */

import type { Parameters } from '../../lib/address/lab_address'

export type ParameterKind = 'unit' | 'day' | 'text'

/** What hides a dollar sign: comments, texts, quoted names, texts between dollar signs. */
const HIDDEN =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\$(\w*)\$[\s\S]*?(?:\$\1\$|$)/g

/** In the order of their first place. */
export function parametersOf(sql: string): string[] {
  const visible = sql.replace(HIDDEN, (hidden) => ' '.repeat(hidden.length))
  return [...new Set([...visible.matchAll(/(?<![\w$])\$([A-Za-z_]\w*)/g)].map(([, name]) => name as string))]
}

export function parameterKind(name: string): ParameterKind {
  if (/(^|_)(unit|commune|department|don_vi|xa)$/i.test(name)) return 'unit'
  if (/(^|_)(from|to|day|date|since|until|start|end|ngay|tu|den)$/i.test(name)) return 'day'
  return 'text'
}

/** Codes are texts whatever they look like: 00123 is not a number. */
const CODE_NAMES = [
  'code|ma|id|kpi|measure|service|procedure|thu_tuc|channel|kenh|status|case|source|nguon|rule',
  'subject|name|ten|q|text',
]
const CODES = new RegExp(`(^|_)(${CODE_NAMES.join('|')})$`, 'i')
const NUMBER = /^[+-]?(?:\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:,\d{3})+\.\d+|\d+(?:[.,]\d+)?)$/

/** What is sent for a value as it is typed: a number where it is one ("4,5" is 4.5, "1.234,5" is 1234.5), else the
 * text. Codes, values with leading zeros, numbers that would be rounded, and what stands in quotes stay text. */
export function boundValue(name: string, text: string): string | number {
  const quoted = /^'(.*)'$/s.exec(text)
  if (quoted) return quoted[1] as string
  const trimmed = text.trim()
  if (parameterKind(name) !== 'text' || CODES.test(name) || !NUMBER.test(trimmed) || /^[+-]?0\d/.test(trimmed))
    return text
  const plain = trimmed
    .replace(trimmed.lastIndexOf(',') > trimmed.lastIndexOf('.') ? /\./g : /,/g, '')
    .replace(',', '.')
  const value = Number(plain)
  return plain.replace(/[^\d]/g, '').length <= 15 && Number.isFinite(value) ? value : plain
}

export const boundValues = (parameters: Parameters): Record<string, string | number> =>
  Object.fromEntries(Object.entries(parameters).map(([name, text]) => [name, boundValue(name, text)]))

/** One mark and three digits behind it: thousands for some, decimals here. */
export const isAmbiguous = (name: string, text: string): boolean =>
  typeof boundValue(name, text) === 'number' && /^[+-]?\d{1,3}[.,]\d{3}$/.test(text.trim())

/** The month so far, of the whole province. `today` as ISO writes it; a last day is not part of what is meant. */
export function firstValue(name: string, today: string, province: string): string {
  switch (parameterKind(name)) {
    case 'unit':
      return province
    case 'day':
      return /(^|_)(from|since|start|tu)$/i.test(name) ? stretchOf('month', today).from : stretchOf('month', today).to
    default:
      return ''
  }
}

/** Those in the text with what they are, in its order. What was chosen before stays. */
export function filled(sql: string, chosen: Parameters, today: string, province: string): Parameters {
  return Object.fromEntries(parametersOf(sql).map((name) => [name, chosen[name] ?? firstValue(name, today, province)]))
}

/** Those that nothing was given for. */
export const missing = (parameters: Parameters): string[] =>
  Object.keys(parameters).filter((name) => parameters[name] === '')

export const STRETCHES = ['week', 'month', 'last_month', 'quarter', 'year', 'last_year'] as const
export type Stretch = (typeof STRETCHES)[number]

/** Half-open, days as ISO writes them. What is not over ends with today: its last day is tomorrow. */
export function stretchOf(stretch: Stretch, today: string): { from: string; to: string } {
  const [year = 0, month = 1, day = 1] = today.split('-').map(Number)
  const iso = (y: number, m: number, d: number): string => new Date(Date.UTC(y, m - 1, d)).toISOString().slice(0, 10)
  const tomorrow = iso(year, month, day + 1)
  switch (stretch) {
    case 'week':
      return { from: iso(year, month, day - 6), to: tomorrow }
    case 'month':
      return { from: iso(year, month, 1), to: tomorrow }
    case 'last_month':
      return { from: iso(year, month - 1, 1), to: iso(year, month, 1) }
    case 'quarter':
      return { from: iso(year, month - ((month - 1) % 3), 1), to: tomorrow }
    case 'year':
      return { from: iso(year, 1, 1), to: tomorrow }
    case 'last_year':
      return { from: iso(year - 1, 1, 1), to: iso(year, 1, 1) }
  }
}
