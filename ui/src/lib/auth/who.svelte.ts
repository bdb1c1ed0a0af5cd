/** Who the centre takes the reader for, and what they may do. What they may not do is not offered. */

import { drafts } from '../desk/drafts.svelte'
import { ask, Refused, send } from '../api/request'

export type Permission = 'look' | 'see_cases' | 'handle_alerts' | 'change_rules' | 'ask_sql' | 'administer'
export type Role = '' | 'viewer' | 'operator' | 'analyst' | 'admin'
export type Session = { name: string; full_name: string; role: Role; permissions: Permission[]; csrf: string }

const PATH = '/api/v1/session'
const UPLOAD_PATIENCE_MS = 120_000

export class Who {
  /** Null until the centre has answered. */
  session = $state.raw<Session | null>(null)
  /** The session of whoever is still shown here has ended. */
  isOver = $state(false)
  /** They are being asked to log in again. */
  asks = $state(false)

  #asked: Promise<boolean> | null = null
  #answer: ((done: boolean) => void) | null = null

  may(permission: Permission): boolean {
    return this.session?.permissions.includes(permission) ?? false
  }

  /** Silence of the centre changes nothing: whoever was known stays known. Neither does the end of their session: what
   * they have on the page and have written stays until they log in again. */
  async load(): Promise<void> {
    try {
      const now = await ask<Session>(PATH)
      this.isOver = !!this.session?.role && !now.role
      if (!this.isOver) this.session = now
    } catch {
      return
    }
  }

  /** Raises Refused for a wrong name or password. */
  async logIn(name: string, password: string): Promise<Session> {
    this.session = await send<Session>('POST', PATH, { name, password })
    this.isOver = false
    return this.session
  }

  async logOut(): Promise<void> {
    await send('DELETE', PATH, null, this.session?.csrf)
    drafts.forget()
    this.session = null
    await this.load()
  }

  /** Ask the person to log in above the page; true once they have. */
  logInAgain(): Promise<boolean> {
    this.#asked ??= new Promise((resolve) => (this.#answer = resolve))
    this.asks = true
    return this.#asked
  }

  /** Report whether the login succeeded. */
  answered(done: boolean): void {
    this.#answer?.(done)
    this.#asked = this.#answer = null
    this.asks = false
  }

  /** A file, as it is. Raises what `send` raises. */
  async upload<T>(path: string, file: Blob): Promise<T> {
    return this.#inTheirName((csrf) => send<T>('POST', path, file, csrf, UPLOAD_PATIENCE_MS))
  }

  /** A change in this person's name. Raises what `send` raises. */
  async change<T>(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body: unknown = null,
    patience_ms?: number,
  ): Promise<T> {
    return this.#inTheirName((csrf) => send<T>(method, path, body, csrf, patience_ms))
  }

  /** When the session is over the person is asked to log in, and it is done then. It is done once more, too, when they
   * have logged in anew elsewhere; never in another's name. */
  async #inTheirName<T>(act: (csrf: string) => Promise<T>): Promise<T> {
    const before = this.session
    try {
      return await act(before?.csrf ?? '')
    } catch (error) {
      if (!(error instanceof Refused) || (error.status !== 401 && error.status !== 403)) throw error
      await this.load()
      if (this.isOver ? !(await this.logInAgain()) : !this.#isRenewed(before)) throw error
      return act(this.session?.csrf ?? '')
    }
  }

  #isRenewed(before: Session | null): boolean {
    return !!before?.role && this.session?.name === before.name && this.session.csrf !== before.csrf
  }
}

export const who = new Who()
