/** What every desk page knows: the language, whose centre this is, its clock, and whether it answers. */

import { withLanguage } from '../address/page_address'
import { ask, Refused } from '../api/request'
import { ServerClock } from '../live/clock'
import type { Centre } from '../live/messages'
import { who } from '../auth/who.svelte'
import { speaker, type Language, type Say } from '../i18n'

const TICK_MS = 1000
const LOST_AFTER_MS = 20_000
const KNOCKS_AFTER_MS = 8_000

export class Desk {
  language = $state<Language>('vi')
  say: Say = $derived(speaker(this.language))
  centre = $state.raw<Centre | null>(null)
  now_ms = $state(Date.now())
  /** The minute that it is in: for lists, which need not be reckoned anew each second. */
  readonly minute_ms = $derived(Math.floor(this.now_ms / 60_000) * 60_000)
  /** False when the centre has not answered for 20 s: what is shown may be old. */
  answers = $state(true)

  #clock = new ServerClock(Date.now(), performance.now())
  #heard_ms = performance.now()
  #live = false
  #knocking = false

  constructor(language: Language) {
    this.language = language
  }

  get zone(): string {
    return this.centre?.zone ?? 'Asia/Ho_Chi_Minh'
  }

  /** Returns what ends it. */
  start(): () => void {
    const tick = setInterval(() => {
      this.now_ms = this.#clock.now(performance.now())
      const silent_ms = performance.now() - this.#heard_ms
      this.answers = silent_ms < LOST_AFTER_MS
      if (silent_ms > KNOCKS_AFTER_MS && !this.#live) void this.#knock()
    }, TICK_MS)
    return () => clearInterval(tick)
  }

  /** As `ask`; remembers that the centre answered, if only to refuse. */
  async ask<T>(path: string, signal?: AbortSignal, patience_ms?: number): Promise<T> {
    try {
      const answer = await ask<T>(path, signal, patience_ms)
      this.#heard()
      return answer
    } catch (error) {
      if (error instanceof Refused) this.#heard()
      if (error instanceof Refused && (error.status === 401 || error.status === 403)) void who.load()
      throw error
    }
  }

  /** The centre's own time, as one of its answers gave it. */
  setClock(time: string): void {
    this.#clock.set(Date.parse(time), performance.now())
    this.now_ms = this.#clock.now(performance.now())
  }

  /** What a live connection knows better: the centre's time, and whether it is there. */
  heard(now_ms: number, answers: boolean): void {
    this.#live = true
    this.#clock.set(now_ms, performance.now())
    if (answers) this.#heard()
    else this.#heard_ms = -Infinity
  }

  turnLanguage(): void {
    this.language = this.language === 'vi' ? 'en' : 'vi'
    history.replaceState(
      history.state,
      '',
      location.pathname + withLanguage(location.search, this.language) + location.hash,
    )
  }

  /** A page that asks nothing for a while still says truly whether the centre is there. */
  async #knock(): Promise<void> {
    if (this.#knocking) return
    this.#knocking = true
    await this.ask('/healthz', undefined, KNOCKS_AFTER_MS).catch(() => {})
    this.#knocking = false
  }

  #heard(): void {
    this.#heard_ms = performance.now()
    this.answers = true
  }
}
