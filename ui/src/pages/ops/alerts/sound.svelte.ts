/** A sound for new grave alerts that nobody has. Its state is always to be seen: off, on, or kept silent by the browser
 * until the reader has pressed something. */

import type { Alert } from '../../../lib/live/messages'

const STORED = 'ioc.sound'
const LEAST_APART_MS = 3000
const TONES_HZ = [880, 660]

export class Sound {
  on = $state(localStorage.getItem(STORED) === 'on')
  blocked = $state(false)

  #context: AudioContext | null = null
  #known: ReadonlySet<string> | null = null
  #rang_ms = -Infinity

  constructor() {
    if (this.on) this.#open()
  }

  turn(): void {
    if (this.on && this.blocked) return this.#open()
    this.on = !this.on
    localStorage.setItem(STORED, this.on ? 'on' : 'off')
    if (this.on) {
      this.#open()
      this.#ring()
    }
  }

  /** The alerts there are now; those of the first call are not new. */
  hear(alerts: Iterable<Alert>): void {
    const grave = new Set<string>()
    for (const alert of alerts) {
      if (alert.severity <= 2 && alert.handling === 'unacknowledged' && !alert.quiet) grave.add(alert.id)
    }
    const known = this.#known
    this.#known = grave
    if (this.on && known && [...grave].some((id) => !known.has(id))) this.#ring()
  }

  #open(): void {
    const context = (this.#context ??= new AudioContext())
    context.onstatechange = () => (this.blocked = context.state !== 'running')
    this.blocked = context.state !== 'running'
    void context.resume()
  }

  #ring(): void {
    const context = this.#context
    const now = performance.now()
    if (context?.state !== 'running' || now - this.#rang_ms < LEAST_APART_MS) return
    this.#rang_ms = now
    TONES_HZ.forEach((pitch, i) => {
      const from = context.currentTime + i * 0.22
      const tone = new OscillatorNode(context, { frequency: pitch })
      const loudness = new GainNode(context, { gain: 0.15 })
      loudness.gain.setTargetAtTime(0, from + 0.15, 0.03)
      tone.connect(loudness).connect(context.destination)
      tone.start(from)
      tone.stop(from + 0.3)
    })
  }
}
