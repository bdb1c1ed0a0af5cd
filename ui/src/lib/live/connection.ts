/** The connection to the centre: opens the socket, applies messages to the store, resumes, resyncs, backs off. */

import { apply, NOTHING_YET, type Live } from './store'
import { backOff_ms, DEAD_AFTER_S } from './silence'
import type { Message } from './messages'
import { ServerClock } from './clock'

const ALL_TOPICS = 'kpis,alerts,sources'
/** The centre's close code when the reader's identity has ended; the reason is one word. */
const IDENTITY_ENDED = 4401

/** Resuming names what we have; without it the centre sends the full state. */
export function address(base: string, live: Live, resume: boolean, topics = ALL_TOPICS): string {
  const known = resume && live.complete ? `&epoch=${encodeURIComponent(live.epoch)}&seq=${live.seq}` : ''
  return `${base}/ws/v1?topics=${topics}${known}`
}

export class Connection {
  live: Live = NOTHING_YET
  readonly clock: ServerClock
  /** Monotonic time of the last message, or of the start. */
  heard_ms: number

  #socket: WebSocket | null = null
  #attempt = 0
  #opened_ms = 0
  #resume = true
  #opened = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `base` is the websocket origin of the centre; `onChange` is called after each message that changed the state.
   * `onIdentity` is called with the centre's reason when it ended the socket since the reader is no longer who they
   * were, and with '' when it does not let them in at all. */
  constructor(
    private readonly base: string,
    private readonly onChange: () => void,
    private readonly topics = ALL_TOPICS,
    private readonly onIdentity: (reason: string) => void = () => {},
  ) {
    this.clock = new ServerClock(Date.now(), performance.now())
    this.heard_ms = performance.now()
  }

  open(): void {
    const socket = new WebSocket(address(this.base, this.live, this.#resume, this.topics))
    this.#socket = socket
    this.#opened_ms = performance.now()
    this.#opened = false
    socket.onopen = () => (this.#opened = true)
    socket.onmessage = (event) => {
      if (socket === this.#socket) this.#take(String(event.data))
    }
    socket.onclose = ({ code, reason }) => {
      if (socket !== this.#socket) return
      this.#retry()
      if (code === IDENTITY_ENDED) this.onIdentity(reason)
      else if (!this.#opened) this.onIdentity('')
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    const socket = this.#socket
    this.#socket = null
    socket?.close()
  }

  silent_s(): number {
    return (performance.now() - this.heard_ms) / 1000
  }

  /** Called regularly: a socket that hears nothing, or never opens, is dropped and made anew. */
  watch(): void {
    const quiet_s = (performance.now() - Math.max(this.heard_ms, this.#opened_ms)) / 1000
    if (this.#socket && quiet_s >= DEAD_AFTER_S) this.#drop(true)
  }

  #take(text: string): void {
    let message: Message
    try {
      message = JSON.parse(text) as Message
    } catch {
      this.#drop(false)
      return
    }
    const now = performance.now()
    this.heard_ms = now
    if ('server_time' in message) this.clock.set(Date.parse(message.server_time), now)
    const step = apply(this.live, message)
    if (step.resync) {
      this.#drop(false)
      return
    }
    if (message.type !== 'hello') {
      this.#attempt = 0
      this.#resume = true
    }
    if (step.live === this.live) return
    this.live = step.live
    this.onChange()
  }

  #drop(resume: boolean): void {
    this.#resume = resume
    const socket = this.#socket
    this.#retry()
    socket?.close()
  }

  #retry(): void {
    this.#socket = null
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.open(), backOff_ms(this.#attempt, Math.random()))
    this.#attempt += 1
  }
}
