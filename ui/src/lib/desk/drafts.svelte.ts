/** What somebody has begun to write: kept in this tab's own storage until it is sent or thrown away, so that a click
 * elsewhere, Back, Escape or a reload lose nothing. */

import { untrack } from 'svelte'

const STORED = 'ioc.drafts'

class Drafts {
  #all = $state.raw<Readonly<Record<string, unknown>>>(stored())

  /** Null when nothing is kept by this name. */
  of<T>(name: string): T | null {
    return (this.#all[name] as T | undefined) ?? null
  }

  /** Names that begin so, the latest last. */
  named(beginning: string): string[] {
    return Object.keys(this.#all).filter((name) => name.startsWith(beginning))
  }

  keep(name: string, value: unknown): void {
    this.#store({ ...untrack(() => this.#all), [name]: value })
  }

  drop(name: string): void {
    const { [name]: gone, ...others } = untrack(() => this.#all)
    if (gone !== undefined) this.#store(others)
  }

  /** The person leaves: what they wrote is nobody else's. */
  forget(): void {
    this.#store({})
  }

  #store(all: Readonly<Record<string, unknown>>): void {
    this.#all = all
    try {
      sessionStorage.setItem(STORED, JSON.stringify(all))
    } catch {
      // A full storage costs the draft at the next reload, not now.
    }
  }
}

function stored(): Record<string, unknown> {
  try {
    return JSON.parse(sessionStorage.getItem(STORED) ?? '{}') as Record<string, unknown>
  } catch {
    return {}
  }
}

export const drafts = new Drafts()
