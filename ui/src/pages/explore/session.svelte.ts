/** The explorer in one browser: what is shown, and what was asked for it. What is heavy is asked for when it is
 * looked at. */

import { at } from '../../lib/address/base_path'
import { glossary, type Glossary } from '../../lib/kpi_values/definition_text'
import type { Definitions, KpiDefinition } from '../../lib/kpi_values/shapes'
import { level } from '../../lib/kpi_values/unit_rows'
import { Asked } from '../../lib/api/resource.svelte'
import type { Desk } from '../../lib/desk/desk.svelte'
import { rfc3339 } from '../../lib/api/request'
import type { Centre, Unit } from '../../lib/live/messages'
import type { Shown } from '../../lib/address/explore_address'
import { Beside } from './second_kpi.svelte'
import type { Change, Forecast, Series, WrittenSql } from './shapes'
import { bounds_ms, coarse, presetSpan, stepOf, type Span, type Step } from '../../lib/format/day_ranges'

export type Described = { centre: Centre; definitions: Definitions; units: Unit[]; glossary: Glossary }

const PATIENCE_MS = 150_000

export class ExploreSession {
  readonly described = new Asked<Described>()
  readonly series = new Asked<Series>()
  readonly communes = new Asked<Series>()
  readonly change = new Asked<Change>()
  readonly forecast = new Asked<Forecast>()
  readonly sql = new Asked<WrittenSql>()

  shown = $state.raw<Shown>({
    kpi: '',
    also: [],
    units: [],
    range: '90d',
    span: null,
    step: '',
    view: 'compare',
    lastYear: false,
    forecast: false,
  })
  sqlWanted = $state(false)
  /** KPIs shown below the first one. */
  beside = $state.raw<Beside[]>([])

  readonly province = $derived(this.described.value?.centre.province.code ?? '')
  readonly definition: KpiDefinition | null = $derived(this.described.value?.glossary.kpis.get(this.shown.kpi) ?? null)
  /** Those asked for that there are, the first one first. */
  readonly kpis: string[] = $derived(
    [this.shown.kpi, ...this.shown.also].filter((kpi) => this.described.value?.glossary.kpis.has(kpi)),
  )
  readonly byCode: ReadonlyMap<string, Unit> = $derived(
    new Map(this.described.value?.units.map((unit) => [unit.code, unit])),
  )
  readonly span: Span = $derived(this.#spanOf())
  readonly step: Step = $derived(this.#stepOf())
  /** The chosen units that the KPI speaks of; the province where none is left. */
  readonly units: string[] = $derived(this.unitsOf(this.definition))
  readonly told = $derived(this.units.length > 0)

  #now_ms = $state(Date.now())

  constructor(private readonly desk: Desk) {}

  /** Returns what ends it. */
  start(): () => void {
    void this.describe()
    return () =>
      [
        this.described,
        this.series,
        this.communes,
        this.change,
        this.forecast,
        this.sql,
        ...this.beside.flatMap((one) => [one.series, one.sql]),
      ].forEach((asked) => asked.stop())
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
  table(form: 'csv' | 'xlsx', kpi = this.shown.kpi, units = this.units): string {
    return this.#path('series', { ...this.#compared(units), format: form }, kpi)
  }

  #spanOf(): Span {
    return this.shown.span ?? presetSpan(this.shown.range, this.#now_ms, this.desk.zone)
  }

  #stepOf(): Step {
    return stepOf(this.shown.step, this.span, this.desk.zone)
  }

  /** The chosen units that a KPI speaks of; the province where none is left. */
  unitsOf(definition: KpiDefinition | null): string[] {
    const speaks = (code: string): boolean => {
      const unit = this.byCode.get(code)
      return unit !== undefined && (definition?.per.includes(level(unit)) ?? false)
    }
    const chosen = this.shown.units.filter(speaks)
    return chosen.length > 0 ? chosen : speaks(this.province) ? [this.province] : []
  }

  #ask(before: Shown | null): void {
    this.#now_ms = this.desk.now_ms
    this.#askBeside(before)
    if (!this.definition || (this.shown.view !== 'communes' && !this.told)) {
      for (const asked of [this.series, this.communes, this.change, this.forecast, this.sql]) asked.forget()
      return
    }
    const { shown } = this
    const same = (...names: (keyof Shown)[]): boolean =>
      before !== null && names.every((name) => JSON.stringify(before[name]) === JSON.stringify(shown[name]))
    const time = same('kpi', 'range', 'span', 'step')
    if (shown.view === 'compare' && !(time && same('units', 'lastYear', 'view')))
      this.#load(this.series, 'series', this.#compared(this.units))
    if (shown.view === 'communes' && !same('kpi', 'range', 'span', 'view'))
      this.#load(this.communes, 'series', { ...this.#time(coarse(this.span, this.desk.zone)), units: 'communes' })
    const first = before === null ? null : before.units[0]
    const sameUnit = first !== null && first === shown.units[0]
    if (shown.view === 'parts' && !(time && sameUnit && same('view')))
      this.#load(this.change, 'parts', { ...this.#ends(), unit: this.units[0] ?? '' })
    if (shown.forecast && shown.view === 'compare' && !(same('kpi', 'forecast', 'view') && sameUnit))
      this.#load(this.forecast, 'forecast', { unit: this.units[0] ?? '' })
    if (!shown.forecast) this.forecast.forget()
    if (this.sqlWanted && !(time && same('units'))) this.#sql()
  }

  /** Those that stay keep what they have, unless the time, the units or last year are others. */
  #askBeside(before: Shown | null): void {
    const { shown } = this
    const same =
      before !== null &&
      (['range', 'span', 'step', 'units', 'lastYear'] as const).every(
        (name) => JSON.stringify(before[name]) === JSON.stringify(shown[name]),
      )
    const kept = this.beside
    const wanted = shown.view === 'compare' ? this.kpis.filter((kpi) => kpi !== shown.kpi) : []
    this.beside = wanted.map((kpi) => kept.find((one) => same && one.definition.id === kpi) ?? this.#newBeside(kpi))
    for (const one of kept) if (!this.beside.includes(one)) one.stop()
  }

  #newBeside(kpi: string): Beside {
    const definition = this.described.value?.glossary.kpis.get(kpi) as KpiDefinition
    const one = new Beside(definition, this.unitsOf(definition))
    if (one.units.length > 0) this.#load(one.series, 'series', this.#compared(one.units), kpi)
    if (one.units.length > 0 && this.sqlWanted)
      this.#load(one.sql, 'sql', { ...this.#time(), units: one.units.join(',') }, kpi)
    return one
  }

  #sql(): void {
    this.#load(this.sql, 'sql', { ...this.#time(), units: this.units.join(',') })
    for (const one of this.beside)
      this.#load(one.sql, 'sql', { ...this.#time(), units: one.units.join(',') }, one.definition.id)
  }

  #load<T>(asked: Asked<T>, what: string, query: Record<string, string>, kpi = this.shown.kpi): void {
    const path = this.#path(what, query, kpi)
    void asked.load((signal) => this.desk.ask<T>(path, signal, PATIENCE_MS), true)
  }

  #path(what: string, query: Record<string, string>, kpi: string): string {
    return at(`/api/v1/explore/${encodeURIComponent(kpi)}/${what}?${new URLSearchParams(query)}`)
  }

  #compared(units: readonly string[]): Record<string, string> {
    return { ...this.#time(), units: units.join(','), ...(this.shown.lastYear ? { compare: 'last_year' } : {}) }
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
