/** The centre's sentences about faults in the reader's language. The centre speaks English and names the kind of a
 * fault by a code with what is filled in. */

import words from '../../texts/faults.vi.json'
import { exact } from '../format/numbers'
import { Refused, type FieldFault } from '../api/request'
import type { Language, Say, TextKey } from '.'

const CODES: Readonly<Record<string, string>> = words.codes
const LANGUAGES: Readonly<Record<string, string>> = { vi: 'Việt', en: 'Anh' }
const WANTED: Readonly<Record<string, string>> = words.wanted

/** What has no Vietnamese wording is said as the centre says it. */
export function faultText({ message, code = '', params = {} }: Omit<FieldFault, 'field'>, language: Language): string {
  if (language === 'en') return message
  // A fault at the end of a text has no line.
  const said = CODES[code === 'not_toml' && !params['line'] ? 'not_toml_at_end' : code]
  return said ? said.replace(/\{(\w+)\}/g, (_, name: string) => filled(name, params[name])) : message
}

/** What a person reads when an act of theirs did not go through: the fault by its code, else what its status means; the
 * centre's English sentence only where neither is known. */
export function refusalText(error: unknown, language: Language, say: Say): string {
  if (!(error instanceof Refused)) return say('desk.failed')
  const coded = error.faults.find(({ code }) => code && code in CODES)
  if (coded) return faultText(coded, language)
  const byStatus = language === 'vi' ? STATUSES[error.status] : undefined
  return (byStatus && say(byStatus)) || error.detail || say('desk.failed')
}

const STATUSES: Readonly<Record<number, TextKey>> = {
  401: 'refused.login',
  403: 'refused.role',
  404: 'refused.gone',
  413: 'refused.too_large',
  429: 'refused.too_often',
  503: 'refused.not_now',
}

function filled(name: string, value: unknown): string {
  if (name === 'nearest') return value ? ` Có phải là “${String(value)}”?` : ''
  if (name === 'language') return LANGUAGES[String(value)] ?? String(value)
  if (name === 'wanted') return WANTED[String(value)] ?? String(value)
  if (name === 'kinds' && Array.isArray(value) && !value.length) return 'chưa có loại nào'
  if (typeof value === 'number') return exact(value, 'vi')
  return Array.isArray(value) ? value.join(', ') : String(value ?? '')
}
