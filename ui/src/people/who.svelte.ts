/** Who the centre takes the reader for, and what they may do. What they may not do is not offered. */

import { ask, Refused, send } from '../live/ask'

export type Permission = 'look' | 'see_cases' | 'handle_alerts' | 'change_rules' | 'ask_sql' | 'administer'
export type Role = '' | 'viewer' | 'operator' | 'analyst' | 'admin'
export type Session = { name: string; full_name: string; role: Role; permissions: Permission[]; csrf: string }

const PATH = '/api/v1/session'
const UPLOAD_PATIENCE_MS = 120_000

export class Who {
  /** Null until the centre has answered. */
  session = $state.raw<Session | null>(null)

  may(permission: Permission): boolean {
    return this.session?.permissions.includes(permission) ?? false
  }

  /** Silence of the centre changes nothing: whoever was known stays known. */
  async load(): Promise<void> {
    try {
      this.session = await ask<Session>(PATH)
    } catch {
      return
    }
  }

  /** Raises Refused for a wrong name or password. */
  async logIn(name: string, password: string): Promise<Session> {
    return (this.session = await send<Session>('POST', PATH, { name, password }))
  }

  async logOut(): Promise<void> {
    await send('DELETE', PATH, null, this.session?.csrf)
    await this.load()
  }

  /** A file, as it is. Raises what `send` raises. */
  async upload<T>(path: string, file: Blob): Promise<T> {
    return send<T>('POST', path, file, this.session?.csrf, UPLOAD_PATIENCE_MS)
  }

  /** A change in this person's name. A session that is over is noticed. Raises what `send` raises. */
  async change<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body: unknown = null, patience_ms?: number): Promise<T> {
    try {
      return await send<T>(method, path, body, this.session?.csrf, patience_ms)
    } catch (error) {
      if (error instanceof Refused && (error.status === 401 || error.status === 403)) await this.load()
      throw error
    }
  }
}

export const who = new Who()
