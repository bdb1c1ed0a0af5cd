/** The console's live part: alerts from the websocket, painted at most twice a second however fast they come. */

import { BASE } from '../../lib/address/base_path'
import { Desk } from '../../lib/desk/desk.svelte'
import { Connection } from '../../lib/live/connection'
import { paced } from '../../lib/live/pace'
import type { Alert, Centre, Definition, Named, Unit } from '../../lib/live/messages'
import { contact, type Contact } from '../../lib/live/silence'
import { who } from '../../lib/auth/who.svelte'
import { names, rules } from './requests'
import type { OwnFigure, Procedure } from './shapes'
import { Sound } from './alerts/sound.svelte'

const PAINT_EVERY_MS = 500

export type Described = {
  units: ReadonlyMap<string, Unit>
  definitions: ReadonlyMap<string, Definition>
  procedures: ReadonlyMap<string, Procedure>
  figures: ReadonlyMap<string, OwnFigure>
  /** Vietnamese and English names of the rules. */
  rules: ReadonlyMap<string, Named>
}

export class OpsSession {
  /** Null until the centre has sent its state. */
  alerts = $state.raw<ReadonlyMap<string, Alert> | null>(null)
  contact = $state<Contact>('connected')
  described = $state.raw<Described>({
    units: new Map(),
    definitions: new Map(),
    procedures: new Map(),
    figures: new Map(),
    rules: new Map(),
  })
  /** Full names by account: what people are called on every view. */
  names = $state.raw<ReadonlyMap<string, string>>(new Map())
  readonly sound = new Sound()

  #connection: Connection
  #paint = paced(() => this.#show(), PAINT_EVERY_MS)

  constructor(private readonly desk: Desk) {
    this.#connection = new Connection(location.origin.replace(/^http/, 'ws') + BASE, this.#paint, 'alerts', () => {
      void who.load()
    })
  }

  /** Returns what ends it. */
  start(): () => void {
    this.#connection.open()
    void this.#describe()
    void this.#name()
    const tick = setInterval(() => {
      this.#connection.watch()
      this.contact = contact(this.#connection.silent_s())
      this.desk.heard(this.#connection.clock.now(performance.now()), this.contact !== 'lost')
    }, PAINT_EVERY_MS)
    const end = this.desk.start()
    return () => {
      clearInterval(tick)
      end()
      this.#connection.close()
    }
  }

  #show(): void {
    const { live } = this.#connection
    if (!live.complete || live.alerts === this.alerts) return
    this.alerts = live.alerts
    this.sound.hear(live.alerts.values())
  }

  async #describe(): Promise<void> {
    try {
      const [centre, { units }, { kpis }, { procedures, own_figures, rules: all }] = await Promise.all([
        this.desk.ask<Centre>('/api/v1/centre'),
        this.desk.ask<{ units: Unit[] }>('/api/v1/units'),
        this.desk.ask<{ kpis: Definition[] }>('/api/v1/definitions'),
        rules(),
      ])
      this.desk.centre = centre
      this.described = {
        units: new Map(units.map((unit) => [unit.code, unit])),
        definitions: new Map(kpis.map((kpi) => [kpi.id, kpi])),
        procedures: new Map(procedures.map((procedure) => [procedure.id, procedure])),
        figures: new Map(own_figures.map((figure) => [figure.id, figure])),
        rules: new Map(all.map(({ id, name }) => [id, name])),
      }
    } catch {
      setTimeout(() => void this.#describe(), 5000)
    }
  }

  person(account: string): string {
    return this.names.get(account) ?? account
  }

  /** Rules were changed: their names and procedures are asked for anew. */
  ruled(): void {
    void this.#describe()
  }

  async #name(): Promise<void> {
    if (who.session === null) await who.load()
    if (!who.may('handle_alerts')) return
    try {
      this.names = await names()
    } catch {
      setTimeout(() => void this.#name(), 30_000)
    }
  }
}
