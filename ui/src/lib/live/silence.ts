/** How long the centre has been silent, and what the screen says of it. The centre sends a heartbeat each second. */

export type Contact = 'connected' | 'marked' | 'lost'

export const MARK_AFTER_S = 3
export const LOST_AFTER_S = 10
/** A connection that is open but silent this long is dead without knowing it: it is closed and made anew. */
export const DEAD_AFTER_S = 5

export function contact(silent_s: number): Contact {
  if (silent_s >= LOST_AFTER_S) return 'lost'
  return silent_s >= MARK_AFTER_S ? 'marked' : 'connected'
}

/** Wait before the n-th attempt (0 is the first after a loss): doubling from 0.25 s to 2 s, then spread by ±25 % so
 * that a hundred walls do not come back at one moment. `chance` is in [0, 1). */
export function backOff_ms(attempt: number, chance: number): number {
  return Math.round(Math.min(250 * 2 ** attempt, 2000) * (0.75 + chance / 2))
}
