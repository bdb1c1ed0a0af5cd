/** Something that a page asks for: loading, there, or failed; what is there stays while it is asked for anew. */

import { Refused } from './request'
import type { Language, Say } from '../i18n'
import { refusalText } from '../i18n/refusals'

export type Failure = 'missing' | 'forbidden' | 'failed' | 'stopped'

export class Asked<T> {
  value = $state.raw<T | null>(null)
  failure = $state<Failure | null>(null)
  /** The centre's refusal, for `refusalText`; null when it did not answer. */
  refused = $state.raw<Refused | null>(null)

  #running: AbortController | null = null

  /** The fault in the reader's language; empty when the centre did not say. */
  said(language: Language, say: Say): string {
    return this.refused ? refusalText(this.refused, language, say) : ''
  }

  get loading(): boolean {
    return this.value === null && this.failure === null
  }

  /** A newer call ends an older one. `anew` forgets what is there: it speaks of something else. */
  async load(fetch: (signal: AbortSignal) => Promise<T>, anew = false): Promise<void> {
    this.#running?.abort()
    const running = (this.#running = new AbortController())
    if (anew) this.forget()
    try {
      const value = await fetch(running.signal)
      if (running.signal.aborted) return
      this.value = value
      this.failure = null
    } catch (error) {
      if (running.signal.aborted) return
      const status = error instanceof Refused ? error.status : 0
      this.failure = status === 404 ? 'missing' : status === 401 || status === 403 ? 'forbidden' : 'failed'
      this.refused = error instanceof Refused ? error : null
    }
  }

  forget(): void {
    this.value = null
    this.failure = null
    this.refused = null
  }

  /** What is under way is given up; what is there stays. */
  stop(): void {
    this.#running?.abort()
    if (this.loading) this.failure = 'stopped'
  }
}
