/** A change that was made from a version that is no longer in force: who changed what meanwhile. */

import { exact } from '../../lib/format/numbers'
import { Refused } from '../../lib/api/request'
import type { Language } from '../../lib/i18n'
import type { Difference } from './shapes'

/** `theirs` is what was changed meanwhile, `yours` what saving this draft would alter of what is in force now. */
export type Clash = {
  revision: string
  by: string
  at: string | null
  why: string
  theirs: readonly Difference[]
  yours: readonly Difference[]
}

/** Null when something else went wrong. */
export function clashOf(error: unknown): Clash | null {
  const first = error instanceof Refused ? error.faults.find(({ code }) => code === 'changed_meanwhile') : undefined
  if (!(error instanceof Refused) || !first) return null
  const { by = '', at = null, why = '', revision = '' } = (first.params ?? {}) as Partial<Clash>
  const { theirs = [], yours = [] } = error.more as Partial<Clash>
  return { revision, by, at, why, theirs, yours }
}

export type Row = { field: string; before: unknown; theirs: unknown; yours: unknown }

/** One row for each field that either has changed. */
export function rows({ theirs, yours }: Clash): Row[] {
  const mine = new Map(yours.map((one) => [one.field, one]))
  const others = new Map(theirs.map((one) => [one.field, one]))
  return [...new Set([...others.keys(), ...mine.keys()])].map((field) => {
    const [other, own] = [others.get(field), mine.get(field)]
    const now = other ? other.after : own?.before
    return { field, before: other ? other.before : own?.before, theirs: now, yours: own ? own.after : now }
  })
}

/** A value of a field as people read it. */
export function valueText(value: unknown, language: Language): string {
  if (value === null || value === undefined) return '—'
  if (typeof value === 'number') return exact(value, language)
  return typeof value === 'string' ? value : JSON.stringify(value)
}
