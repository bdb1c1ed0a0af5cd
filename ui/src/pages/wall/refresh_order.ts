/** Whose history is asked for next: one at a time, the one that has waited longest, so that the centre is never asked
 * for all charts at once. */

export const REFRESH_EVERY_MS = 300_000
export const RETRY_AFTER_MS = 30_000

export type Turn = { asked_ms: number; failed: boolean }

/** Null when none is due. One that was never asked for is due at once, in the order of `ids`. */
export function nextTurn(ids: readonly string[], turns: ReadonlyMap<string, Turn>, now_ms: number): string | null {
  let next: string | null = null
  let longest = 0
  for (const id of ids) {
    const turn = turns.get(id)
    if (!turn) return id
    const overdue = now_ms - turn.asked_ms - (turn.failed ? RETRY_AFTER_MS : REFRESH_EVERY_MS)
    if (overdue >= longest) [next, longest] = [id, overdue]
  }
  return next
}
