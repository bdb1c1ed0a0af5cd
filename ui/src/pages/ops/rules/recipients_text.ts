/** Who would be told of an alert, in words. */

import { duration } from '../../../lib/format/times'
import type { Say } from '../../../lib/i18n'
import type { Recipient } from '../shapes'

/** "Lan (sms, sau 30 giây)": each person or receiver once, with its channels and the earliest time. */
export function toldText(recipients: readonly Recipient[], say: Say): string {
  const by = new Map<string, Recipient[]>()
  for (const one of recipients) {
    const who = one.person || one.receiver
    by.set(who, [...(by.get(who) ?? []), one])
  }
  return [...by]
    .map(([who, ways]) => {
      const channels = [...new Set(ways.map(({ channel }) => channel))].join(', ')
      const after = Math.min(...ways.map(({ after }) => after))
      const onlyLater = ways.every(({ is_escalation }) => is_escalation)
      return `${who} (${channels}, ${say(onlyLater ? 'rb.escalated' : 'rb.after', { length: duration(after, say) })})`
    })
    .join('; ')
}
