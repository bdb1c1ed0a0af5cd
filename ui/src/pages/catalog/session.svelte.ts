/** The catalogue in one browser: what is chosen, what was asked for it, and how often it is asked anew. */

import { Asked } from '../../lib/api/resource.svelte'
import type { Desk } from '../../lib/desk/desk.svelte'
import { history } from '../../lib/api/descriptions'
import type { Centre, KpiValue, Point, Unit } from '../../lib/live/messages'
import type { Definitions, Explained, KpiDefinition, Values } from '../../lib/kpi_values/shapes'
import { RANGES, type Range } from './ranges'
import { level, unitRows } from '../../lib/kpi_values/unit_rows'
import { glossary, type Glossary } from '../../lib/kpi_values/definition_text'

export type Described = { centre: Centre; definitions: Definitions; units: Unit[]; glossary: Glossary }
export type Chosen = { kpi: string; unit: string; range: Range }
export type History = Chosen & { from_ms: number; to_ms: number; points: Point[] }

const VALUES_EVERY_MS = 15_000
const CHOSEN_EVERY_MS = 5_000
const BEHIND_EVERY_MS = 30_000
const HISTORY_EVERY_MS = 300_000
/** What the centre computes from all its data is asked for only of a KPI that one stays at. */
const STAY_MS = 400

function stay(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, STAY_MS)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}

export class CatalogSession {
  readonly described = new Asked<Described>()
  /** Of the province, for the list. */
  readonly overview = new Asked<Values>()
  /** Of the chosen KPI, for every unit. */
  readonly values = new Asked<Values>()
  readonly history = new Asked<History>()
  readonly explained = new Asked<Explained>()

  chosen = $state.raw<Chosen>({ kpi: '', unit: '', range: '24h' })

  readonly province = $derived(this.described.value?.centre.province.code ?? '')
  readonly definition: KpiDefinition | null = $derived(this.described.value?.glossary.kpis.get(this.chosen.kpi) ?? null)
  /** The chosen unit where the KPI speaks of it, else the province. */
  readonly unit = $derived(this.#speaksOf(this.chosen.unit) ? this.chosen.unit : this.province)
  /** False for a KPI that is told of single units only, while none is chosen. */
  readonly told = $derived(this.definition !== null && this.#speaksOf(this.unit))
  readonly overviewByKpi: ReadonlyMap<string, KpiValue> = $derived(
    new Map(this.overview.value?.kpis.filter(({ unit }) => unit === this.province).map((value) => [value.id, value])),
  )
  readonly value: KpiValue | null = $derived(this.values.value?.kpis.find(({ unit }) => unit === this.unit) ?? null)
  readonly rows = $derived(
    this.definition && this.values.value
      ? unitRows(this.described.value?.units ?? [], this.values.value.kpis, this.definition.per)
      : [],
  )

  constructor(private readonly desk: Desk) {}

  /** Returns what ends it. While the page is not in sight nothing is asked. */
  start(): () => void {
    void this.describe()
    const every = (length_ms: number, work: () => void): ReturnType<typeof setInterval> =>
      setInterval(() => document.hidden || work(), length_ms)
    const timers = [
      every(VALUES_EVERY_MS, () => (this.described.failure ? void this.describe() : this.#overview())),
      every(CHOSEN_EVERY_MS, () => this.#present(false)),
      every(BEHIND_EVERY_MS, () => this.#behind(false)),
      every(HISTORY_EVERY_MS, () => this.#past(false)),
    ]
    return () => {
      timers.forEach(clearInterval)
      for (const asked of [this.described, this.overview, this.values, this.history, this.explained]) asked.stop()
    }
  }

  async describe(): Promise<void> {
    await this.described.load(async (signal) => {
      const [centre, definitions, { units }] = await Promise.all([
        this.desk.ask<Centre>('/api/v1/centre', signal),
        this.desk.ask<Definitions>('/api/v1/definitions', signal),
        this.desk.ask<{ units: Unit[] }>('/api/v1/units', signal),
      ])
      this.desk.centre = centre
      return { centre, definitions, units, glossary: glossary(definitions) }
    })
    this.#overview()
    this.#all()
  }

  /** Shows another KPI, unit or time range; what is the same stays. */
  choose(next: Chosen): void {
    const before = this.chosen
    this.chosen = next
    if (!this.described.value) return
    if (next.kpi !== before.kpi) this.#all()
    else if (next.unit !== before.unit) {
      this.#past(true)
      this.#behind(true)
    } else if (next.range !== before.range) this.#past(true)
  }

  retry(): void {
    this.#all()
  }

  #speaksOf(code: string): boolean {
    const unit = this.described.value?.units.find((each) => each.code === code)
    return unit !== undefined && (this.definition?.per.includes(level(unit)) ?? true)
  }

  #all(): void {
    this.#present(true)
    this.#past(true)
    this.#behind(true)
  }

  #overview(): void {
    void this.overview.load(async (signal) => {
      const unit = encodeURIComponent(this.province)
      const values = await this.desk.ask<Values>(`/api/v1/kpis?unit=${unit}`, signal)
      this.desk.setClock(values.as_of)
      return values
    })
  }

  #present(anew: boolean): void {
    const { kpi } = this.chosen
    if (!this.definition) return this.values.forget()
    void this.values.load(
      (signal) => this.desk.ask<Values>(`/api/v1/kpis?kpi=${encodeURIComponent(kpi)}`, signal),
      anew,
    )
  }

  #past(anew: boolean): void {
    if (!this.told) return this.history.forget()
    const chosen = this.chosen
    const { back_ms, step, step_ms } = RANGES[chosen.range]
    // Points end at whole steps of the province's days, so that the picture stands still between two loads.
    const to_ms = Math.ceil(this.desk.now_ms / Math.min(step_ms, 1_800_000)) * Math.min(step_ms, 1_800_000)
    const span = { from_ms: to_ms - back_ms, to_ms, step }
    const unit = this.unit
    void this.history.load(async (signal) => {
      if (anew) await stay(signal)
      return { ...chosen, ...span, points: await history(chosen.kpi, unit, span, signal) }
    }, anew)
  }

  #behind(anew: boolean): void {
    const { kpi } = this.chosen
    if (!this.told) return this.explained.forget()
    const query = new URLSearchParams({ unit: this.unit })
    void this.explained.load(
      (signal) => this.desk.ask<Explained>(`/api/v1/kpis/${encodeURIComponent(kpi)}/explain?${query}`, signal),
      anew,
    )
  }
}
