/** The explorer in one browser: what is shown, and what was asked for it. What is heavy is asked for when it is looked at. */

import { glossary, type Glossary } from '../catalog/words'
import type { Definitions, KpiDefinition } from '../catalog/protocol'
import { level } from '../catalog/unit_rows'
import { Asked } from '../desk/asked.svelte'
import type { Desk } from '../desk/desk.svelte'
import { rfc3339 } from '../live/ask'
import type { Centre, Unit } from '../live/protocol'
import type { Shown } from './address'
import type { Change, Forecast, Series, WrittenSql } from './protocol'
import { bounds_ms, coarse, presetSpan, stepOf, type Span, type Step } from './spans'

export type Described = { centre: Centre; definitions: Definitions; units: Unit[]; glossary: Glossary }

const PATIENCE_MS = 150_000

export class ExploreSession {
  readonly described = new Asked<Described>()
  readonly series = new Asked<Series>()
  readonly communes = new Asked<Series>()
  readonly change = new Asked<Change>()
  readonly forecast = new Asked<Forecast>()
  readonly sql = new Asked<WrittenSql>()

  shown = $state.raw<Shown>({ kpi: '', units: [], range: '90d', span: null, step: '', view: 'compare', lastYear: false, forecast: false })
  sqlWanted = $state(false)

  readonly province = $derived(this.described.value?.centre.province.code ?? '')
  readonly definition: KpiDefinition | null = $derived(this.described.value?.glossary.kpis.get(this.shown.kpi) ?? null)
  readonly byCode: ReadonlyMap<string, Unit> = $derived(new Map(this.described.value?.units.map((unit) => [unit.code, unit])))
  readonly span: Span = $derived(this.#spanOf())
  readonly step: Step = $derived(this.#stepOf())
  /** The chosen units that the KPI speaks of; the province where none is left. */
  readonly units: string[] = $derived(this.#unitsOf())
  readonly told = $derived(this.units.length > 0)

  #now_ms = $state(Date.now())

  constructor(private readonly desk: Desk) {}

  /** Returns what ends it. */
  start(): () => void {
    void this.describe()
    return () => [this.described, this.series, this.communes, this.change, this.forecast, this.sql].forEach((asked) => asked.stop())
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
    this.#ask(null)
  }

  /** What is the same stays. */
  show(next: Shown): void {
    const before = this.shown
    this.shown = next
    if (this.described.value) this.#ask(before)
  }

  wantSql(wanted: boolean): void {
    this.sqlWanted = wanted
    if (wanted) this.#sql()
  }

  retry(): void {
    this.#ask(null)
  }

  /** Of the series that is shown, as a file. */
  table(form: 'csv' | 'xlsx'): string {
    return this.#path('series', { ...this.#time(), units: this.units.join(','), ...(this.shown.lastYear ? { compare: 'last_year' } : {}), format: form })
  }

  #spanOf(): Span {
    return this.shown.span ?? presetSpan(this.shown.range, this.#now_ms, this.desk.zone)
  }

  #stepOf(): Step {
    return stepOf(this.shown.step, this.span, this.desk.zone)
  }

  #unitsOf(): string[] {
    const speaks = (code: string): boolean => {
      const unit = this.byCode.get(code)
      return unit !== undefined && (this.definition?.per.includes(level(unit)) ?? false)
    }
    const chosen = this.shown.units.filter(speaks)
    return chosen.length > 0 ? chosen : speaks(this.province) ? [this.province] : []
  }

  #ask(before: Shown | null): void {
    this.#now_ms = this.desk.now_ms
    if (!this.definition || (this.shown.view !== 'communes' && !this.told)) {
      for (const asked of [this.series, this.communes, this.change, this.forecast, this.sql]) asked.forget()
      return
    }
    const { shown } = this
    const same = (...names: (keyof Shown)[]): boolean => before !== null && names.every((name) => JSON.stringify(before[name]) === JSON.stringify(shown[name]))
    const time = same('kpi', 'range', 'span', 'step')
    if (shown.view === 'compare' && !(time && same('units', 'lastYear', 'view'))) this.#load(this.series, 'series', { ...this.#time(), units: this.units.join(','), ...(shown.lastYear ? { compare: 'last_year' } : {}) })
    if (shown.view === 'communes' && !(same('kpi', 'range', 'span', 'view'))) this.#load(this.communes, 'series', { ...this.#time(coarse(this.span, this.desk.zone)), units: 'communes' })
    const first = before === null ? null : before.units[0]
    const sameUnit = first !== null && first === shown.units[0]
    if (shown.view === 'parts' && !(time && sameUnit && same('view'))) this.#load(this.change, 'parts', { ...this.#ends(), unit: this.units[0] ?? '' })
    if (shown.forecast && shown.view === 'compare' && !(same('kpi', 'forecast', 'view') && sameUnit)) this.#load(this.forecast, 'forecast', { unit: this.units[0] ?? '' })
    if (!shown.forecast) this.forecast.forget()
    if (this.sqlWanted && !(time && same('units'))) this.#sql()
  }

  #sql(): void {
    this.#load(this.sql, 'sql', { ...this.#time(), units: this.units.join(',') })
  }

  #load<T>(asked: Asked<T>, what: string, query: Record<string, string>): void {
    const path = this.#path(what, query)
    void asked.load((given_up) => this.desk.ask<T>(path, given_up, PATIENCE_MS), true)
  }

  #path(what: string, query: Record<string, string>): string {
    return `/api/v1/explore/${encodeURIComponent(this.shown.kpi)}/${what}?${new URLSearchParams(query)}`
  }

  #time(step = this.step): Record<string, string> {
    const { from_ms, to_ms } = bounds_ms(this.span, step, this.#now_ms, this.desk.zone)
    return { from: rfc3339(from_ms), to: rfc3339(to_ms), step }
  }

  /** The two moments that are compared: the beginning and the end of what is shown. */
  #ends(): Record<string, string> {
    const { from, to } = this.#time('1d')
    return { from: from as string, to: to as string }
  }
}
