/** Rows of a result, fetched in pages as they come into sight; all of them for sorting, copying and charts. */

import type { Column, Row } from '../../lib/charts/table'
import type { Language } from '../../lib/i18n'
import { ordered } from './cells'
import type { Rows } from './shapes'

const PAGE = 1000
const AT_ONCE = 6
/** So many are drawn in a chart: more are no picture. */
export const DRAWN = 20_000

export type Sorting = { at: number; way: 1 | -1 }

export class ResultRows {
  sorting = $state.raw<Sorting | null>(null)
  /** Grows with every page: what is shown depends on it. */
  version = $state(0)
  readonly count: number
  #fetch: (offset: number, limit: number) => Promise<Pick<Rows, 'rows'>>
  #pages = new Map<number, Promise<readonly Row[]>>()
  #rows: (Row | undefined)[] = []
  #sorted: Row[] | null = null

  constructor(fetch: (offset: number, limit: number) => Promise<Pick<Rows, 'rows'>>, count: number) {
    this.#fetch = fetch
    this.count = count
  }

  /** Undefined until its page has come. */
  row(at: number): Row | undefined {
    return this.#sorted ? this.#sorted[at] : this.#rows[at]
  }

  /** Half-open. Raises what fetching raises; a page that failed is asked for anew next time. */
  async need(first: number, end: number): Promise<void> {
    if (this.#sorted || this.count === 0) return
    const last = Math.min(end, this.count)
    const pages = Array.from(
      { length: Math.max(0, Math.ceil(last / PAGE) - Math.floor(first / PAGE)) },
      (_, i) => Math.floor(first / PAGE) + i,
    )
    await Promise.all(pages.map((page) => this.#load(page)))
  }

  async first(n: number): Promise<readonly Row[]> {
    await this.#unsorted(Math.min(n, this.count))
    return this.#rows.slice(0, n) as Row[]
  }

  /** In the order shown; half-open. */
  async between(first: number, end: number): Promise<Row[]> {
    await this.need(first, end)
    return ((this.#sorted ?? this.#rows) as Row[]).slice(first, end)
  }

  async sort(sorting: Sorting | null, columns: readonly Column[], language: Language): Promise<void> {
    if (sorting) await this.#unsorted(this.count)
    const kind = sorting && columns[sorting.at]?.kind
    this.#sorted = sorting && kind ? ordered(this.#rows as Row[], sorting.at, kind, sorting.way, language) : null
    this.sorting = sorting
    this.version += 1
  }

  async #unsorted(n: number): Promise<void> {
    for (let page = 0; page * PAGE < n; page += AT_ONCE)
      await this.need(page * PAGE, Math.min(n, (page + AT_ONCE) * PAGE))
  }

  #load(page: number): Promise<readonly Row[]> {
    const known = this.#pages.get(page)
    if (known) return known
    const coming = this.#fetch(page * PAGE, PAGE).then(({ rows }) => {
      for (const [i, row] of rows.entries()) this.#rows[page * PAGE + i] = row
      this.version += 1
      return rows
    })
    this.#pages.set(page, coming)
    coming.catch(() => this.#pages.delete(page))
    return coming
  }
}
