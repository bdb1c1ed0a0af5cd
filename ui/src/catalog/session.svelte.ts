/** The catalogue in one browser: what is chosen, what was asked for it, and how often it is asked anew. */

import { Asked } from '../desk/asked.svelte'
import type { Desk } from '../desk/desk.svelte'
import { history } from '../live/describe'
import type { Centre, KpiValue, Point, Unit } from '../live/protocol'
import type { Definitions, Explained, KpiDefinition, Restatement, Values } from './protocol'
import { RANGES, type Range } from './ranges'
import { unitRows } from './unit_rows'
import { glossary, type Glossary } from './words'

export type Described = { centre: Centre; definitions: Definitions; units: Unit[]; glossary: Glossary }
export type Chosen = { kpi: string; unit: string; range: Range }
export type History = Chosen & { from_ms: number; to_ms: number; points: Point[] }

const VALUES_EVERY_MS = 15_000
const CHOSEN_EVERY_MS = 5_000
const BEHIND_EVERY_MS = 30_000
const HISTORY_EVERY_MS = 300_000

export class CatalogSession {
  readonly described = new Asked<Described>()
  /** Of the province, for the list. */
  readonly overview = new Asked<Values>()
  /** Of the chosen KPI, for every unit. */
  readonly values = new Asked<Values>()
  readonly history = new Asked<History>()
  readonly explained = new Asked<Explained>()
  readonly restated = new Asked<Restatement[]>()

  chosen = $state.raw<Chosen>({ kpi: '', unit: '', range: '24h' })

  readonly province = $derived(this.described.value?.centre.province.code ?? '')
  readonly unit = $derived(this.chosen.unit || this.province)
  readonly definition: KpiDefinition | null = $derived(this.described.value?.glossary.kpis.get(this.chosen.kpi) ?? null)
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
      for (const asked of [this.described, this.overview, this.values, this.history, this.explained, this.restated]) asked.stop()
    }
  }

  async describe(): Promise<void> {
    await this.described.load(async (given_up) => {
      const [centre, definitions, { units }] = await Promise.all([
        this.desk.ask<Centre>('/api/v1/centre', given_up),
        this.desk.ask<Definitions>('/api/v1/definitions', given_up),
        this.desk.ask<{ units: Unit[] }>('/api/v1/units', given_up),
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

  #all(): void {
    this.#present(true)
    this.#past(true)
    this.#behind(true)
  }

  #overview(): void {
    void this.overview.load(async (given_up) => {
      const unit = encodeURIComponent(this.province)
      const values = await this.desk.ask<Values>(`/api/v1/kpis?unit=${unit}`, given_up)
      this.desk.setClock(values.as_of)
      return values
    })
  }

  #present(anew: boolean): void {
    const { kpi } = this.chosen
    if (!this.definition) return this.values.forget()
    void this.values.load((given_up) => this.desk.ask<Values>(`/api/v1/kpis?kpi=${encodeURIComponent(kpi)}`, given_up), anew)
  }

  #past(anew: boolean): void {
    if (!this.definition) return this.history.forget()
    const chosen = this.chosen
    const { back_ms, step, step_ms } = RANGES[chosen.range]
    // Points end at whole steps of the province's days, so that the picture stands still between two loads.
    const to_ms = Math.ceil(this.desk.now_ms / Math.min(step_ms, 1_800_000)) * Math.min(step_ms, 1_800_000)
    const span = { from_ms: to_ms - back_ms, to_ms, step }
    void this.history.load(async (given_up) => ({ ...chosen, ...span, points: await history(chosen.kpi, this.unit, span, given_up) }), anew)
  }

  #behind(anew: boolean): void {
    const { kpi } = this.chosen
    if (!this.definition) return this.explained.forget()
    const query = new URLSearchParams({ unit: this.unit })
    void this.explained.load(
      (given_up) => this.desk.ask<Explained>(`/api/v1/kpis/${encodeURIComponent(kpi)}/explain?${query}`, given_up),
      anew,
    )
    query.set('kpi', kpi)
    void this.restated.load(
      async (given_up) =>
        (await this.desk.ask<{ restatements: Restatement[] }>(`/api/v1/restatements?${query}`, given_up)).restatements,
      anew,
    )
  }
}
