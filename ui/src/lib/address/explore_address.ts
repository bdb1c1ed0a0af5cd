/** `/explore?kpi=&units=&range=|from=&to=&step=&view=&last=1&forecast=1`: all that is shown. */

import { at } from './base_path'
import { withLanguage } from './page_address'
import type { Language } from '../i18n'
import { isSpan, PRESETS, type Preset } from '../format/day_ranges'

export const VIEWS = ['compare', 'communes', 'parts'] as const
export type View = (typeof VIEWS)[number]
/** `also` are KPIs shown below the first, on the same days. `units` are codes, none: the province. `span` is set
 * where days were chosen, else `range` says how far back. */
export type Shown = {
  kpi: string
  also: string[]
  units: string[]
  range: Preset
  span: { from: string; to: string } | null
  step: string
  view: View
  lastYear: boolean
  forecast: boolean
}

export const MOST_UNITS = 20
export const MOST_KPIS = 6

export function shown(search: string): Shown {
  const query = new URLSearchParams(search)
  const span = { from: query.get('from') ?? '', to: query.get('to') ?? '' }
  const units = (query.get('units') ?? query.get('unit') ?? '').split(',').filter(Boolean)
  const kpi = query.get('kpi') ?? ''
  const also = (query.get('also') ?? '').split(',').filter((each) => each && each !== kpi)
  return {
    kpi,
    also: kpi ? [...new Set(also)].slice(0, MOST_KPIS - 1) : [],
    units: [...new Set(units)].slice(0, MOST_UNITS),
    range: PRESETS.find((each) => each === query.get('range')) ?? '90d',
    span: isSpan(span) ? span : null,
    step: query.get('step') ?? '',
    view: VIEWS.find((each) => each === query.get('view')) ?? 'compare',
    lastYear: query.get('last') === '1',
    forecast: query.get('forecast') === '1',
  }
}

/** What stands as it does without being said is left out. */
export function explorePath(of: Partial<Shown>, language: Language = 'vi'): string {
  const query = new URLSearchParams()
  if (of.kpi) query.set('kpi', of.kpi)
  if (of.also?.length) query.set('also', of.also.join(','))
  if (of.units?.length) query.set('units', of.units.join(','))
  if (of.span) {
    query.set('from', of.span.from)
    query.set('to', of.span.to)
  } else if (of.range && of.range !== '90d') query.set('range', of.range)
  if (of.step) query.set('step', of.step)
  if (of.view && of.view !== 'compare') query.set('view', of.view)
  if (of.lastYear) query.set('last', '1')
  if (of.forecast) query.set('forecast', '1')
  return at(`/explore${withLanguage(query.toString(), language)}`)
}
