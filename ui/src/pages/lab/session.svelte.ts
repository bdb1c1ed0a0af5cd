/** The lab's page: the text and its parameters, the run, what the address says of them. */

import type { Definitions } from '../../lib/kpi_values/shapes'
import { fitting, type ChartSpec } from '../../lib/charts/spec'
import { Asked } from '../../lib/api/resource.svelte'
import type { Desk } from '../../lib/desk/desk.svelte'
import { isoDay } from '../../lib/format/times'
import type { Centre, Unit } from '../../lib/live/messages'
import { who } from '../../lib/auth/who.svelte'
import { named } from '../../lib/i18n'
import { trouble } from './query_fault'
import { linkOf, placeOf, type LabView, type Parameters, type Tab } from '../../lib/address/lab_address'
import { boundValues, filled, missing } from './query_parameters'
import type { Checked, Dictionary, Fault, LabState, Past, Question, Saved } from './shapes'
import { Run } from './query_run.svelte'
import { Shelf } from './saved_queries.svelte'

export type Taken = [Question, 'question'] | [Saved, 'saved'] | [Past, 'past']

const STATE_MS = 15_000
const CHECK_MS = 700

export class LabSession {
  sql = $state('')
  chosen = $state.raw<Parameters>({})
  /** Null: the one the result asks for by itself. */
  chart = $state.raw<ChartSpec | null>(null)
  tab = $state<Tab>('table')
  origin = $state.raw<{ saved: string; question: string }>({ saved: '', question: '' })
  fault = $state.raw<Fault | null>(null)
  plan = new Asked<string>()
  state = new Asked<LabState>()
  dictionary = new Asked<Dictionary>()
  units = $state.raw<Unit[]>([])
  definitions = $state.raw<Definitions['kpis']>([])
  refreshing = $state(false)
  readonly run: Run
  readonly shelf: Shelf
  readonly desk: Desk

  today = $derived.by(() => isoDay(this.desk.now_ms, this.desk.zone))
  parameters: Parameters = $derived.by(() =>
    filled(this.sql, this.chosen, this.today, this.desk.centre?.province.code ?? ''),
  )
  lacking = $derived.by(() => missing(this.parameters))
  byCode: ReadonlyMap<string, Unit> = $derived(new Map(this.units.map((unit) => [unit.code, unit])))
  /** The text or a parameter changed after what is shown was asked. */
  stale = $derived.by(
    () =>
      this.run.done &&
      (this.run.sql !== this.sql || JSON.stringify(this.run.parameters) !== JSON.stringify(this.parameters)),
  )
  /** Name of the saved query or ready question that the text came from; empty for the person's own. */
  title = $derived.by(() => {
    const { saved, question } = this.origin
    const asked = question ? this.shelf.questions.value?.find(({ id }) => id === question)?.title : undefined
    return asked
      ? named(asked, this.desk.language)
      : (this.shelf.saved.value?.find(({ id }) => String(id) === saved)?.name ?? '')
  })
  #checks = 0

  constructor(desk: Desk) {
    this.desk = desk
    this.run = new Run(desk)
    this.shelf = new Shelf(desk)
  }

  /** Returns what ends it. */
  start(): () => void {
    void this.#load()
    const beat = setInterval(() => document.visibilityState === 'visible' && void this.loadState(), STATE_MS)
    return () => clearInterval(beat)
  }

  async #load(): Promise<void> {
    await Promise.allSettled([
      this.loadState(),
      this.loadDictionary(),
      this.shelf.loadQuestions(),
      this.desk.ask<Centre>('/api/v1/centre').then((centre) => (this.desk.centre = centre)),
      this.desk.ask<{ units: Unit[] }>('/api/v1/units').then(({ units }) => (this.units = units)),
      this.desk.ask<Definitions>('/api/v1/definitions').then(({ kpis }) => (this.definitions = kpis)),
    ])
  }

  loadState = (): Promise<void> => this.state.load((signal) => this.desk.ask<LabState>('/api/v1/lab', signal))
  loadDictionary = (): Promise<void> =>
    this.dictionary.load((signal) => this.desk.ask<Dictionary>('/api/v1/lab/dictionary', signal))

  /** Raises what `send` raises. */
  async refresh(): Promise<void> {
    this.refreshing = true
    try {
      await who.change('POST', '/api/v1/lab/snapshot')
      await this.loadState()
    } finally {
      this.refreshing = false
    }
  }

  async read(): Promise<void> {
    const place = await placeOf(location.search, location.hash)
    this.chosen = place.parameters
    this.sql = place.sql
    this.chart = place.chart
    this.tab = place.tab ?? 'table'
    this.origin = { saved: place.saved, question: place.question }
  }

  place(): LabView {
    const shown = this.run.done || this.run.trouble || this.tab === 'plan' ? this.tab : null
    return { sql: this.sql, parameters: this.parameters, chart: this.chart, tab: shown, ...this.origin }
  }

  async write(how: 'pushState' | 'replaceState'): Promise<void> {
    const link = await linkOf(this.place(), this.desk.language)
    if (link !== location.pathname + location.search + location.hash) history[how](null, '', link)
  }

  /** A text from the left: it takes the place of what is there, which the browser's way back brings again. */
  take(...[from, kind]: Taken): void {
    this.chosen = { ...from.parameters }
    this.sql = from.sql
    this.chart = kind === 'past' ? null : from.chart
    this.origin = { saved: kind === 'saved' ? String(from.id) : '', question: kind === 'question' ? from.id : '' }
    this.fault = null
  }

  /** The text as it is; the name of the saved query it came from goes along. */
  async ask(): Promise<void> {
    if (!this.sql.trim() || this.lacking.length > 0) return
    if (this.tab === 'plan') this.tab = 'table'
    this.fault = null
    await this.run.start(this.sql, this.parameters)
    if (this.run.sql === this.sql) this.fault = this.run.trouble?.fault.line ? this.run.trouble.fault : null
    this.chart = this.run.done ? fitting(this.chart, this.run.columns) : this.chart
    await this.write('pushState')
    void this.loadState()
  }

  async explain(): Promise<void> {
    this.tab = 'plan'
    await this.plan.load(async () => {
      try {
        const { plan } = await who.change<{ plan: string }>('POST', '/api/v1/lab/plan', {
          sql: this.sql,
          parameters: boundValues(this.parameters),
        })
        return plan
      } catch (error) {
        this.fault = trouble(error).fault
        throw error
      }
    }, true)
    await this.write('replaceState')
  }

  /** What DuckDB says of the text while it is written; silence of the lab says nothing. Ends what was asked before. */
  async check(): Promise<void> {
    const turn = (this.#checks += 1)
    await new Promise((after) => setTimeout(after, CHECK_MS))
    const sql = this.sql
    if (turn !== this.#checks || !sql.trim() || this.run.busy) return
    const checked = await who.change<Checked>('POST', '/api/v1/lab/check', { sql }).catch(() => null)
    if (checked && turn === this.#checks && sql === this.sql) this.fault = checked.error
  }
}
