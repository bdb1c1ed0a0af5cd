/** One query on its way: sent, waiting, running, done; cancelled by whoever asked it. */

import { at } from '../../lib/address/base_path'
import { columnsOf, type Column } from '../../lib/charts/table'
import type { Desk } from '../../lib/desk/desk.svelte'
import { Refused } from '../../lib/api/request'
import { who } from '../../lib/auth/who.svelte'
import { failed, trouble, type Trouble } from './query_fault'
import { boundValues } from './query_parameters'
import type { Parameters } from '../../lib/address/lab_address'
import type { QueryState } from './shapes'
import { ResultRows } from './result_rows.svelte'

const FIRST_MS = 120
const LONGEST_MS = 1000

export class Run {
  query = $state.raw<QueryState | null>(null)
  trouble = $state.raw<Trouble | null>(null)
  /** What was asked: the page may hold another text by now. */
  sql = $state('')
  parameters = $state.raw<Parameters>({})
  columns = $state.raw<Column[]>([])
  rows = $state.raw<ResultRows | null>(null)
  /** By this page's own clock, while it lasts. */
  since_ms = $state(0)
  #asking = $state(false)
  #turn = 0
  #desk: Desk

  constructor(desk: Desk) {
    this.#desk = desk
  }

  get busy(): boolean {
    return this.#asking
  }

  get done(): boolean {
    return this.query?.state === 'done' && this.rows !== null
  }

  /** Whatever ran before is cancelled: its answer is no longer waited for. */
  async start(sql: string, parameters: Parameters, name = ''): Promise<void> {
    if (this.busy) await this.cancel()
    const turn = (this.#turn += 1)
    Object.assign(this, {
      sql,
      parameters,
      trouble: null,
      query: null,
      rows: null,
      columns: [],
      since_ms: performance.now(),
    })
    this.#asking = true
    try {
      const { id } = await who.change<{ id: string }>('POST', '/api/v1/lab/queries', {
        sql,
        parameters: boundValues(parameters),
        ...(name ? { name } : {}),
      })
      if (turn === this.#turn) await this.#follow(id, turn)
      else void who.change('DELETE', path(id)).catch(() => {})
    } catch (error) {
      if (turn === this.#turn) this.trouble = trouble(error)
    } finally {
      if (turn === this.#turn) this.#asking = false
    }
  }

  async cancel(): Promise<void> {
    const id = this.query?.id
    this.#turn += 1
    this.#asking = false
    this.query = this.query && { ...this.query, state: 'cancelled' }
    if (id) await who.change('DELETE', path(id)).catch(() => {})
  }

  async #follow(id: string, turn: number): Promise<void> {
    for (let wait_ms = FIRST_MS; ; wait_ms = Math.min(wait_ms * 1.5, LONGEST_MS)) {
      const query = await this.#desk.ask<QueryState>(path(id))
      if (turn !== this.#turn) return
      this.query = query
      if (query.state === 'done') return await this.#show(query)
      if (query.state === 'failed') this.trouble = failed(query)
      if (query.state === 'failed' || query.state === 'cancelled') return
      await new Promise((after) => setTimeout(after, wait_ms))
      if (turn !== this.#turn) return
    }
  }

  async #show(query: QueryState): Promise<void> {
    const rows = new ResultRows(
      (offset, limit) => this.#desk.ask(`${path(query.id)}/rows?offset=${offset}&limit=${limit}`),
      query.row_count ?? 0,
    )
    await rows.need(0, 1)
    this.columns = columnsOf(query.columns ?? [])
    this.rows = rows
  }

  /** The result is no longer kept by the lab. */
  lost(error: unknown): void {
    if (error instanceof Refused && error.status === 404)
      this.trouble = { title: 'lab.trouble_gone', fault: { message: '', line: null, column: null }, retry: true }
    else this.trouble = trouble(error)
  }
}

export const path = (id: string): string => at(`/api/v1/lab/queries/${encodeURIComponent(id)}`)
