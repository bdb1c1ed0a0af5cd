/** What a tile says of a value. No data is never zero, and what is old never looks new. */

import { moment } from '../format/times'
import { short, type Short } from '../format/numbers'
import type { Definition, Freshness, KpiValue } from '../live/messages'
import type { Contact } from '../live/silence'
import type { Language, Say } from '../i18n'

export type Reading = {
  freshness: Freshness
  /** Null is drawn as a dash. */
  figure: Short | null
  /** Why there is no value or how old it is; empty for a live one. */
  reason: string
}

export type Moment = { now_ms: number; zone: string; contact: Contact; language: Language; say: Say }

/** `value` is undefined when the centre has sent none for this KPI and unit. */
export function reading(value: KpiValue | undefined, digits: number, at: Moment): Reading {
  if (value?.freshness === 'insufficient') {
    const reason = at.say('reason.insufficient', { samples: value.samples, min_samples: value.min_samples })
    return { freshness: 'insufficient', figure: null, reason }
  }
  if (!value || value.value === null || value.freshness === 'no_data') {
    return {
      freshness: 'no_data',
      figure: null,
      reason: at.say(value?.reported === false ? 'reason.never_reported' : 'reason.no_data'),
    }
  }
  const figure = short(value.value, digits, at.language)
  if (value.freshness === 'live' && at.contact !== 'lost') return { freshness: 'live', figure, reason: '' }
  const time = value.as_of === null ? '' : moment(Date.parse(value.as_of), at.now_ms, at.zone)
  return { freshness: 'stale', figure, reason: time ? at.say('reason.stale', { time }) : at.say('reason.old') }
}

const LENGTH = /^(\d+)\s*(m|min|h|d)$/

/** The window in words: "hôm nay", "5 phút qua". One that this page does not know stays as it is written. */
export function windowText(definition: Definition, say: Say): string {
  switch (definition.window) {
    case 'today':
      return say('window.today')
    case 'month':
      return say('window.month')
    case 'quarter':
      return say('window.quarter')
    case 'year':
      return say('window.year')
    case 'yesterday':
      return say('window.yesterday')
    case 'last_month':
      return say('window.last_month')
    case 'last_quarter':
      return say('window.last_quarter')
    case 'last_year':
      return say('window.last_year')
    case 'always':
      return say('window.always')
    case 'now':
      return say('window.now')
  }
  const [, n = '', unit] = LENGTH.exec(definition.window) ?? []
  if (!unit) return definition.window
  return say(unit === 'h' ? 'window.hours' : unit === 'd' ? 'window.days' : 'window.minutes', { n })
}
