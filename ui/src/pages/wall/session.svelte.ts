/** One wall in one browser: the connection, what it has heard, and what is painted of it at most twice a second. */

import { BASE } from '../../lib/address/base_path'
import { Connection } from '../../lib/live/connection'
import { Refused } from '../../lib/api/request'
import { describe, history, NoDisplay, type Description } from '../../lib/api/descriptions'
import { paced } from '../../lib/live/pace'
import type { Point } from '../../lib/live/messages'
import { backOff_ms, contact, type Contact } from '../../lib/live/silence'
import { kpiKey, type Live } from '../../lib/live/store'
import { nextTurn, type Turn } from './refresh_order'
import { trend, type Box, type Trend } from './trend_path'

const PAINT_EVERY_MS = 500
const DAY_MS = 86_400_000
const DESCRIBE_PAUSE_MS = 30_000
const STEP = '30m'
export const STEP_MS = 1_800_000
export const TREND_BOX: Box = { width: 300, height: 40, margin: 5 }

export class WallSession {
  live = $state.raw<Live | null>(null)
  now_ms = $state(Date.now())
  silent_s = $state(0)
  contact = $state<Contact>('connected')
  description = $state.raw<Description | null>(null)
  displayMissing = $state(false)
  /** The centre answers, but may not show this browser anything. */
  forbidden = $state(false)
  /** Why the centre ended the connection, one of its words; '' while it has not. */
  ended = $state('')
  histories = $state.raw<ReadonlyMap<string, Point[]>>(new Map())
  trends = $state.raw<ReadonlyMap<string, Trend>>(new Map())

  #connection: Connection
  #paint = paced(() => this.#show(), PAINT_EVERY_MS)
  #turns = new Map<string, Turn>()
  #asking = false
  #drawn = 0
  #describedEpoch = ''
  #describing = false
  #attempt = 0
  #stopped = false
  #again: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly display: string) {
    this.#connection = new Connection(
      location.origin.replace(/^http/, 'ws') + BASE,
      this.#paint,
      undefined,
      (reason) => {
        if (reason) this.ended = reason
        void this.#describe() // says whether this browser may still look
      },
    )
  }

  /** Returns what ends it. */
  start(): () => void {
    this.#connection.open()
    void this.#describe()
    const tick = setInterval(() => {
      this.#connection.watch()
      this.#paint()
      this.#drawNext()
      void this.#askNext()
    }, PAINT_EVERY_MS)
    return () => {
      this.#stopped = true
      clearInterval(tick)
      this.#connection.close()
    }
  }

  get tiles(): string[] {
    return this.description?.display.scenes[0]?.tiles ?? []
  }

  #show(): void {
    const { live, clock } = this.#connection
    this.now_ms = clock.now(performance.now())
    this.silent_s = this.#connection.silent_s()
    this.contact = contact(this.silent_s)
    if (live.complete) this.live = live
    if (live.complete && this.description && !this.#describing && this.#outdated(live, this.description))
      void this.#describe()
  }

  /** The centre restarted, or a tile's value was computed by another definition than the one we read. */
  #outdated(live: Live, { definitions, centre }: Description): boolean {
    this.#describedEpoch ||= live.epoch // described before the connection stood
    if (live.epoch !== this.#describedEpoch) return true
    return this.tiles.some((id) => {
      const value = live.kpis.get(kpiKey(id, centre.province.code))
      return value && value.definition_version !== definitions.get(id)?.version
    })
  }

  async #describe(): Promise<void> {
    if (this.#stopped) return
    this.#describing = true
    const epoch = this.#connection.live.epoch
    let again_ms: number | null = null
    try {
      const found = await describe(this.display)
      const before = this.description?.centre.version
      if (before !== undefined && before !== found.centre.version) location.reload() // the centre was upgraded
      this.description = found
      this.displayMissing = this.forbidden = false
      this.ended = ''
      this.#attempt = 0
      this.#describedEpoch = epoch
    } catch (error) {
      this.displayMissing = error instanceof NoDisplay
      this.forbidden = error instanceof Refused && (error.status === 401 || error.status === 403)
      again_ms = backOff_ms(this.#attempt++, Math.random())
    }
    // A catalogue that stays at odds with the values is not asked for without pause.
    clearTimeout(this.#again)
    this.#again = setTimeout(() => {
      this.#describing = false
      if (again_ms !== null) void this.#describe()
    }, again_ms ?? DESCRIBE_PAUSE_MS)
  }

  async #askNext(): Promise<void> {
    const unit = this.description?.centre.province.code
    const kpi = nextTurn(this.tiles, this.#turns, performance.now())
    if (!unit || !kpi || this.#asking || this.contact !== 'connected' || !this.live) return
    this.#asking = true
    let failed = false
    try {
      const points = await history(kpi, unit, { from_ms: this.now_ms - DAY_MS, to_ms: this.now_ms, step: STEP })
      this.histories = new Map(this.histories).set(kpi, points)
      this.#draw(kpi)
    } catch {
      failed = true // the line that is there stays, and stops where its data stop
    }
    this.#turns.set(kpi, { asked_ms: performance.now(), failed })
    this.#asking = false
  }

  /** One chart a tick, in turn, however many values came. */
  #drawNext(): void {
    const kpi = this.tiles[this.#drawn++ % Math.max(this.tiles.length, 1)]
    if (kpi && this.histories.has(kpi)) this.#draw(kpi)
  }

  #draw(kpi: string): void {
    const code = this.description?.centre.province.code ?? ''
    const value = this.live?.kpis.get(kpiKey(kpi, code))
    const valueTime_ms = value?.as_of ? Date.parse(value.as_of) : null
    const holds = value?.freshness === 'live' && this.contact !== 'lost'
    const time = holds ? this.now_ms : valueTime_ms
    const last = value && value.value !== null && time !== null ? { time, value: value.value } : null
    const drawn = trend(
      this.histories.get(kpi) ?? [],
      last,
      {
        from_ms: this.now_ms - DAY_MS,
        to_ms: this.now_ms,
        step_ms: STEP_MS,
        digits: this.description?.definitions.get(kpi)?.digits ?? 1,
      },
      TREND_BOX,
    )
    this.trends = new Map(this.trends).set(kpi, drawn)
  }
}
