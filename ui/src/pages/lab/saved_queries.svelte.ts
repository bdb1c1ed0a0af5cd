/** What an analyst begins with and comes back to: ready questions, saved queries, their own history. */

import type { ChartSpec } from '../../lib/charts/spec'
import { Asked } from '../../lib/api/resource.svelte'
import type { Desk } from '../../lib/desk/desk.svelte'
import { who } from '../../lib/auth/who.svelte'
import type { Parameters } from '../../lib/address/lab_address'
import type { Past, Question, Saved } from './shapes'

export type Draft = {
  name: string
  sql: string
  parameters: Parameters
  chart: ChartSpec | null
  tags: string[]
  shared: boolean
}

const SAVED = '/api/v1/lab/saved'

export class Shelf {
  questions = new Asked<Question[]>()
  saved = new Asked<Saved[]>()
  past = new Asked<Past[]>()
  #desk: Desk

  constructor(desk: Desk) {
    this.#desk = desk
  }

  loadQuestions = (): Promise<void> =>
    this.questions.load(
      async (signal) => (await this.#desk.ask<{ questions: Question[] }>('/api/v1/lab/questions', signal)).questions,
    )
  loadSaved = (): Promise<void> =>
    this.saved.load(async (signal) => (await this.#desk.ask<{ saved: Saved[] }>(SAVED, signal)).saved)
  loadPast = (): Promise<void> =>
    this.past.load(
      async (signal) => (await this.#desk.ask<{ history: Past[] }>('/api/v1/lab/history?limit=100', signal)).history,
    )

  /** A new one, or a new version of `over`. Raises what `send` raises. */
  async save(draft: Draft, over: Saved | null): Promise<Saved> {
    const kept = await (over ? who.change<Saved>('PUT', at(over.id), draft) : who.change<Saved>('POST', SAVED, draft))
    await this.loadSaved()
    return kept
  }

  async remove(saved: Saved): Promise<void> {
    await who.change('DELETE', at(saved.id))
    await this.loadSaved()
  }

  async versions(saved: Saved): Promise<Saved[]> {
    return (await this.#desk.ask<{ versions: Saved[] }>(`${at(saved.id)}/versions`)).versions
  }

  /** Others' shared ones are read and taken as one's own, not changed. */
  mine(saved: Saved): boolean {
    return saved.owner === who.session?.name
  }
}

const at = (id: number): string => `${SAVED}/${id}`
