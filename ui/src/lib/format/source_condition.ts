/** A source's condition as a mark that needs no colour. */

import type { Condition } from '../live/messages'

const MARKS: Record<Condition, string> = {
  starting: '◌',
  waiting: '○',
  live: '●',
  late: '▲',
  failing: '◆',
  unavailable: '✕',
  refusing: '◆',
}

export const conditionMark = (condition: Condition): string => MARKS[condition]

/** The worst first; one that waits has nothing to tell. */
export const WORST: Condition[] = ['refusing', 'failing', 'unavailable', 'late', 'starting', 'live', 'waiting']
