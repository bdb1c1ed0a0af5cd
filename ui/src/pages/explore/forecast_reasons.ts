/** Why there is no forecast, in the reader's language; a sentence that is not known stays as the centre says it. */

import type { Say } from '../../lib/i18n'

const LITTLE = /^There are values of (\d+) (days|weeks); a forecast needs (\d+) at least\.$/
const GAPS = /^Of (\d+) (days|weeks) only (\d+) have a value;/
const SHORT = /^(\d+) (days|weeks) of history are too few to try a forecast of (\d+) (?:days|weeks) on\.$/
const OVER = /^The KPI speaks of a period that is over;/

export function reasonText(reason: string, say: Say): string {
  const step = (word: string | undefined): string => say(word === 'weeks' ? 'explore.weeks' : 'explore.days')
  const little = LITTLE.exec(reason)
  if (little)
    return say('explore.reason_little', { have: little[1] ?? '', step: step(little[2]), need: little[3] ?? '' })
  const gaps = GAPS.exec(reason)
  if (gaps) return say('explore.reason_gaps', { all: gaps[1] ?? '', step: step(gaps[2]), have: gaps[3] ?? '' })
  const short = SHORT.exec(reason)
  if (short) return say('explore.reason_short', { have: short[1] ?? '', step: step(short[2]), ahead: short[3] ?? '' })
  return OVER.test(reason) ? say('explore.reason_over') : reason
}
