/** What went wrong with a query, as the page says it: DuckDB's own words, and the place in the text. */

import { Refused } from '../../lib/api/request'
import type { TextKey } from '../../lib/i18n'
import type { Fault, QueryState } from './shapes'

export type Trouble = { title: TextKey; fault: Fault; retry: boolean }

const TITLES: Record<number, TextKey> = {
  401: 'lab.trouble_forbidden',
  403: 'lab.trouble_forbidden',
  408: 'lab.trouble_slow',
  413: 'lab.trouble_large',
  422: 'lab.trouble_sql',
  429: 'lab.trouble_queue',
  503: 'lab.trouble_away',
}

/** Of a refusal or of silence. */
export function trouble(error: unknown): Trouble {
  if (!(error instanceof Refused)) return { title: 'lab.trouble_silent', fault: nowhere(''), retry: true }
  const places = error.faults as unknown as readonly Partial<Fault>[]
  const [place] = places.filter(({ line }) => typeof line === 'number')
  const first = error.faults[0]
  const found = place ?? first ?? {}
  return {
    title: TITLES[error.status] ?? 'lab.trouble_other',
    fault: {
      ...found,
      message: found.message ?? error.detail,
      line: place?.line ?? null,
      column: place?.column ?? null,
    },
    retry: error.status !== 422 && error.status !== 413,
  }
}

/** Of a query that failed while it ran: the time limit and the like are no fault of the text. */
export function failed({ error, kind }: Pick<QueryState, 'error' | 'kind'>): Trouble {
  const fault = error ?? nowhere('')
  const title =
    kind === 'time'
      ? 'lab.trouble_slow'
      : kind === 'too_large'
        ? 'lab.trouble_large'
        : kind === 'sql'
          ? 'lab.trouble_sql'
          : 'lab.trouble_failed'
  return { title, fault, retry: kind === 'process' || kind === 'memory' }
}

const nowhere = (message: string): Fault => ({ message, line: null, column: null })

/** The stretch to underline: the word at the place, the rest of the line where there is none. Null without a place. */
export function stretch(sql: string, { line, column }: Fault): { from: number; to: number } | null {
  if (line === null) return null
  const lines = sql.split('\n')
  const at = Math.min(Math.max(line, 1), lines.length) - 1
  const start = lines.slice(0, at).reduce((sum, text) => sum + text.length + 1, 0)
  const text = lines[at] as string
  const inside = Math.min(Math.max((column ?? 1) - 1, 0), text.length)
  const word = /^(?:[\p{L}\p{N}_$]+|"[^"]*"?|'[^']*'?|\S)/u.exec(text.slice(inside))?.[0] ?? ''
  if (word) return { from: start + inside, to: start + inside + word.length }
  const end = text.trimEnd().length
  return { from: start + Math.max(0, end - 1), to: start + Math.max(end, Math.min(text.length, 1)) }
}
