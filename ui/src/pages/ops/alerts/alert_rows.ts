/** The alert table: what a filter leaves, in which order, and how many there are of each kind. */

import { fold } from '../../../lib/format/fold'
import { named } from '../../../lib/i18n'
import type { Alert, Severity, Unit } from '../../../lib/live/messages'

export type Column = 'severity' | 'name' | 'value' | 'since' | 'holder' | 'handling'
export type Order = { column: Column; down: boolean }
/** `now` is all that makes noise; a severity means those of `now` that are so grave. */
export type Show = 'now' | 'unheld' | 'shelved' | 'silenced' | Severity

export type Counts = Record<Show, number>
/** `names` are full names by account. */
export type Names = { units: ReadonlyMap<string, Unit>; language: 'vi' | 'en'; names: ReadonlyMap<string, string> }

export const WORST_FIRST: Order = { column: 'severity', down: false }

export function isShown(alert: Alert, show: Show): boolean {
  if (show === 'shelved') return alert.handling === 'shelved' || alert.handling === 'out_of_service'
  if (show === 'silenced') return alert.suppression.length > 0
  if (alert.quiet) return false
  if (show === 'unheld') return alert.handling === 'unacknowledged'
  return show === 'now' || alert.severity === show
}

export function counts(alerts: Iterable<Alert>): Counts {
  const found: Counts = { now: 0, unheld: 0, shelved: 0, silenced: 0, 1: 0, 2: 0, 3: 0, 4: 0 }
  for (const alert of alerts) {
    if (isShown(alert, 'shelved')) found.shelved += 1
    if (isShown(alert, 'silenced')) found.silenced += 1
    if (alert.quiet) continue
    found.now += 1
    found[alert.severity] += 1
    if (alert.handling === 'unacknowledged') found.unheld += 1
  }
  return found
}

/** Every word of `wanted` stands somewhere in the alert's names, place, rule or holder, without diacritics. */
export function filtered(
  alerts: Iterable<Alert>,
  show: Show,
  wanted: string,
  units: ReadonlyMap<string, Unit>,
  names: ReadonlyMap<string, string>,
): Alert[] {
  const words = fold(wanted).split(/\s+/).filter(Boolean)
  const left: Alert[] = []
  for (const alert of alerts) {
    if (!isShown(alert, show)) continue
    if (words.length) {
      const text = searched(alert, units, names)
      if (!words.every((word) => text.includes(word))) continue
    }
    left.push(alert)
  }
  return left
}

/** Folding is dear, and many alerts share their names and places: once for each text. */
const folded = new Map<string, string>()

function foldedOnce(text: string): string {
  let found = folded.get(text)
  if (found === undefined) folded.set(text, (found = fold(text)))
  return found
}

function searched(alert: Alert, units: ReadonlyMap<string, Unit>, names: ReadonlyMap<string, string>): string {
  const texts = [
    ...Object.values(alert.name),
    units.get(alert.unit)?.name ?? alert.unit,
    alert.rule,
    names.get(alert.holder) ?? alert.holder,
  ]
  return texts.map(foldedOnce).join(' ')
}

const HANDLING = { unacknowledged: 0, acknowledged: 1, shelved: 2, out_of_service: 3 }

/** Equal ones: the gravest, then the newest first. */
export function sorted(alerts: readonly Alert[], { column, down }: Order, { units, language, names }: Names): Alert[] {
  const collator = new Intl.Collator('vi', { numeric: true })
  const text = (a: string, b: string): number => (a === b ? 0 : collator.compare(a, b))
  const by: Record<Column, (a: Alert, b: Alert) => number> = {
    severity: (a, b) => a.severity - b.severity,
    name: (a, b) =>
      text(named(a.name, language), named(b.name, language)) ||
      text(units.get(a.unit)?.short_name ?? a.unit, units.get(b.unit)?.short_name ?? b.unit),
    value: (a, b) => (a.value ?? -Infinity) - (b.value ?? -Infinity) || 0,
    since: (a, b) => (a.since < b.since ? -1 : Number(a.since > b.since)),
    holder: (a, b) => text(names.get(a.holder) ?? a.holder, names.get(b.holder) ?? b.holder),
    handling: (a, b) => HANDLING[a.handling] - HANDLING[b.handling],
  }
  const compare = by[column]
  const way = down ? -1 : 1
  return [...alerts].sort(
    (a, b) =>
      way * compare(a, b) ||
      a.severity - b.severity ||
      (a.since > b.since ? -1 : Number(a.since < b.since)) ||
      (a.id < b.id ? -1 : 1),
  )
}
