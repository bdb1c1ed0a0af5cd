/** Asking the centre over REST. */

/** The centre answered, but not with what was asked: its status, and its own sentence where it gave one. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
  ) {
    super(detail || `HTTP ${status}`)
  }
}

const PATIENCE_MS = 15_000

/** Raises Refused when the centre refuses, TypeError or DOMException when it does not answer in time. */
export async function ask<T>(path: string, given_up?: AbortSignal, patience_ms = PATIENCE_MS): Promise<T> {
  const patience = AbortSignal.timeout(patience_ms)
  const signal = given_up ? AbortSignal.any([given_up, patience]) : patience
  const answer = await fetch(path, { signal, headers: { accept: 'application/json' } })
  if (!answer.ok) throw new Refused(answer.status, await sentence(answer))
  return (await answer.json()) as T
}

/** The `detail` of an RFC 9457 problem. */
async function sentence(answer: Response): Promise<string> {
  if (!answer.headers.get('content-type')?.startsWith('application/problem+json')) return ''
  try {
    return String(((await answer.json()) as { detail?: unknown }).detail ?? '')
  } catch {
    return ''
  }
}

export const rfc3339 = (time_ms: number): string => `${new Date(time_ms).toISOString().slice(0, 19)}Z`
