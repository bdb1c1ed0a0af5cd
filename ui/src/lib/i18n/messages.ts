/** The centre's messages in the reader's language. Its answers carry the English sentence with a code and parameters;
 * the Vietnamese texts of the codes are the centre's own table. */

import areas from '../../../../ioc/messages/vi.json'
import { exact } from '../format/numbers'
import type { Language } from '.'

type Coded = {
  code?: string
  params?: Readonly<Record<string, unknown>>
  /** The same of each parameter that is a message itself. */
  nested?: Readonly<Record<string, unknown>>
}
export type CodedMessage = Coded & { message: string }

const TEXTS: Readonly<Record<string, string>> = Object.assign({}, ...Object.values(areas))
const PART = /\{\{|\}\}|\{(\w+)(?:!r)?(?::([^{}]*))?\}/g
const ENDS = /^[.,;:)]/

/** The centre's English sentence for a code that this page does not know. */
export function messageText({ message, ...coded }: CodedMessage, language: Language): string {
  return (language === 'vi' && filled(coded)) || message
}

/** A fault of the centre, as `/readyz` and `/api/v1/ledger` list them. */
export type CodedFault = Omit<CodedMessage, 'message'> & { code: string; detail: string; since: string }

/** A fault's sentence in the reader's language. */
export const faultText = ({ detail, ...coded }: CodedFault, language: Language): string =>
  messageText({ message: detail, ...coded }, language)

/** As `ioc/messages/tables.py` fills in; empty without a text. */
function filled({ code = '', params = {}, nested = {} }: Coded): string {
  const text = TEXTS[code]
  if (text === undefined) return ''
  let done = ''
  let at = 0
  const add = (literal: string): void => {
    done = (ENDS.test(literal) ? done.replace(/\.$/, '') : done) + literal
  }
  for (const part of text.matchAll(PART)) {
    add(text.slice(at, part.index))
    at = part.index + part[0].length
    const [whole, name, form = ''] = part
    if (name === undefined) add(whole[0] as string)
    else done += (nested[name] && filled(nested[name] as Coded)) || formatted(params[name], form)
  }
  add(text.slice(at))
  return done
}

function formatted(value: unknown, form: string): string {
  if (form.endsWith('*')) return TEXTS[form.slice(0, -1) + String(value)] ?? String(value)
  if (form in TEXTS) return value ? filled({ code: form, params: { value } }) : ''
  if (typeof value === 'number') return exact(value, 'vi')
  if (Array.isArray(value)) return value.join(form === 'lines' ? '\n' : ', ') || (TEXTS['nothing'] ?? '')
  return String(value ?? '')
}
