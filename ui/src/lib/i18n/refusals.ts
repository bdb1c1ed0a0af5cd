/** What a person reads when an act of theirs did not go through. */

import { Refused } from '../api/request'
import type { Language, Say } from '.'
import { messageText } from './messages'

/** The centre's message; without one (a proxy answered, or nobody) that it failed. */
export function refusalText(error: unknown, language: Language, say: Say): string {
  if (!(error instanceof Refused)) return say('desk.failed')
  const [first] = error.faults.filter(({ code }) => code)
  return (first && messageText(first, language)) || error.detail || say('desk.failed')
}
