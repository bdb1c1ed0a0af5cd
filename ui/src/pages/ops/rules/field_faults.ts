/** Faults that the centre found, each at its field. */

import type { FieldFault } from '../../../lib/api/request'
import type { Fields } from '../shapes'

/** Of the field itself; of a table or list also of what is in it when `inner`. Each sentence once, and that it is empty
 * only when nothing more is known. */
export function at(faults: readonly FieldFault[], path: string, inner = false): FieldFault[] {
  const found = faults.filter(
    ({ field }) => field === path || (inner && (field.startsWith(`${path}.`) || field.startsWith(`${path}[`))),
  )
  const once = found.filter(({ message }, i) => found.findIndex((each) => each.message === message) === i)
  return once.length > 1 ? once.filter(({ code }) => code !== 'empty') : once
}

const UNWRITTEN = new Set([
  'empty',
  'missing',
  'language_missing',
  'kpi_missing',
  'no_limit',
  'wrong_type',
  'no_rule_id',
])

/** What is wrong with what is written; that something is not yet written is no fault before somebody saves. */
export const ofWritten = (faults: readonly FieldFault[], fields: Fields): FieldFault[] =>
  faults.filter(({ field, code = '' }) => !UNWRITTEN.has(code) || isWritten(fields, field))

/** A field of the rule itself that holds something: what is wrong with it is told at once. */
function isWritten(fields: Fields, field: string): boolean {
  const value = fields[field]
  return value !== undefined && value !== '' && typeof value !== 'object'
}

/** Fields that a form shows: what is left belongs above the form. A member of a group has its own prefix. */
const MEMBER = String.raw`(?:(?:all|any)\[\d+\]\.)*`
const SHOWN_FIELDS = [
  String.raw`id|name\.(?:vi|en)|name|kpi|units|severity`,
  String.raw`(?:change\.|deviation\.)?(?:fires|clears)_(?:above|below|outside|inside)|change\.over|deviation\.weeks`,
  'missing|stale|insufficient|target_missed|all|any|held_for|keep_firing_for|least_samples',
  String.raw`active(?:\[\d+\](?:\.(?:days|since|until))?)?|labels(?:\..+)?|procedure|owner|latching`,
]
const SHOWN = new RegExp(`^${MEMBER}(?:${SHOWN_FIELDS.join('|')})$`)

export const elsewhere = (faults: readonly FieldFault[]): FieldFault[] =>
  faults.filter(({ field }) => !SHOWN.test(field))
