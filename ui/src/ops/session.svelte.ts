/** The console's live part: alerts from the websocket, painted at most twice a second however fast they come. */

import { Desk } from '../desk/desk.svelte'
import { Connection } from '../live/connection'
import { paced } from '../live/pace'
import type { Alert, Centre, Definition, Unit } from '../live/protocol'
import { contact, type Contact } from '../live/silence'
import type { Procedure } from './protocol'
import { Sound } from './sound.svelte'

const PAINT_EVERY_MS = 500

export type Described = {
  units: ReadonlyMap<string, Unit>
  definitions: ReadonlyMap<string, Definition>
  procedures: ReadonlyMap<string, Procedure>
}

export class OpsSession {
  /** Null until the centre has sent its state. */
  alerts = $state.raw<ReadonlyMap<string, Alert> | null>(null)
  contact = $state<Contact>('connected')
  described = $state.raw<Described>({ units: new Map(), definitions: new Map(), procedures: new Map() })
  readonly sound = new Sound()

  #connection: Connection
  #paint = paced(() => this.#show(), PAINT_EVERY_MS)

  constructor(private readonly desk: Desk) {
    this.#connection = new Connection(location.origin.replace(/^http/, 'ws'), this.#paint, 'alerts')
  }

  /** Returns what ends it. */
  start(): () => void {
    this.#connection.open()
    void this.#describe()
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
      const [centre, { units }, { kpis }, { procedures }] = await Promise.all([
        this.desk.ask<Centre>('/api/v1/centre'),
        this.desk.ask<{ units: Unit[] }>('/api/v1/units'),
        this.desk.ask<{ kpis: Definition[] }>('/api/v1/definitions'),
        this.desk.ask<{ procedures: Procedure[] }>('/api/v1/rules'),
      ])
      this.desk.centre = centre
      this.described = {
        units: new Map(units.map((unit) => [unit.code, unit])),
        definitions: new Map(kpis.map((kpi) => [kpi.id, kpi])),
        procedures: new Map(procedures.map((procedure) => [procedure.id, procedure])),
      }
    } catch {
      setTimeout(() => void this.#describe(), 5000)
    }
  }
}
