/** Asking the centre over REST, and telling it to change something. */

import type { CodedMessage } from '../i18n/messages'
import { at } from '../address/base_path'

/** What is wrong with one field; `field` is empty for the request as a whole. */
export type FieldFault = CodedMessage & { field: string }

/** The centre refused a request: its status, its own sentence where it gave one, and the fields at fault. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly faults: readonly FieldFault[] = [],
    /** Further members of its answer. */
    readonly more: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail || `HTTP ${status}`)
  }
}

const PATIENCE_MS = 15_000

/** Raises Refused when the centre refuses, TypeError or DOMException when it does not answer in time. */
export async function ask<T>(path: string, signal?: AbortSignal, patience_ms = PATIENCE_MS): Promise<T> {
  const patience = AbortSignal.timeout(patience_ms)
  const either = signal ? AbortSignal.any([signal, patience]) : patience
  const answer = await fetch(at(path), { signal: either, headers: { accept: 'application/json' } })
  if (!answer.ok) throw await refusal(answer)
  return (await answer.json()) as T
}

/** A change; a file goes as it is, anything else as JSON. `csrf` is the token of the session. Raises as `ask`; an
 * answer without a body is undefined. */
export async function send<T>(
  method: string,
  path: string,
  body: unknown,
  csrf = '',
  patience_ms = PATIENCE_MS,
): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (csrf) headers['x-csrf-token'] = csrf
  const isFile = body instanceof Blob
  if (body !== null) headers['content-type'] = isFile ? 'application/octet-stream' : 'application/json'
  const answer = await fetch(at(path), {
    method,
    headers,
    body: body === null ? null : isFile ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(patience_ms),
  })
  if (!answer.ok) throw await refusal(answer)
  const text = await answer.text()
  return (text ? JSON.parse(text) : undefined) as T
}

/** Of an RFC 9457 problem. */
async function refusal(answer: Response): Promise<Refused> {
  if (!answer.headers.get('content-type')?.startsWith('application/problem+json')) return new Refused(answer.status, '')
  try {
    const { detail = '', errors = [], ...more } = (await answer.json()) as { detail?: string; errors?: FieldFault[] }
    return new Refused(answer.status, detail, errors, more)
  } catch {
    return new Refused(answer.status, '')
  }
}

export const rfc3339 = (time_ms: number): string => `${new Date(time_ms).toISOString().slice(0, 19)}Z`
