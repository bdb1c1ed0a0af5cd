/** A wall opened with `?token=…` hands the token in once and takes it out of the address, which others may read. */

import { Refused, send } from '../../lib/api/request'
import { backOff_ms } from '../../lib/live/silence'

/** False when the centre does not know the token. Waits for a centre that does not answer. */
export async function admitted(): Promise<boolean> {
  const query = new URLSearchParams(location.search)
  const displayToken = query.get('token')
  if (displayToken === null) return true
  for (let attempt = 0; ; attempt += 1) {
    try {
      await send('POST', '/api/v1/session', { display_token: displayToken })
      forget(query)
      return true
    } catch (error) {
      if (error instanceof Refused && error.status < 500) {
        forget(query)
        return false
      }
      await new Promise((resolve) => setTimeout(resolve, backOff_ms(attempt, Math.random())))
    }
  }
}

function forget(query: URLSearchParams): void {
  query.delete('token')
  const left = query.toString()
  history.replaceState(null, '', location.pathname + (left ? `?${left}` : ''))
}
