/** Names of what a change is told apart by. */

import { named, TEXTS, type Language, type Say } from '../../lib/i18n'
import type { Glossary } from '../../lib/kpi_values/definition_text'
import type { Unit } from '../../lib/live/messages'
import type { Grouping } from './shapes'

export function groupName(
  by: Grouping['by'],
  key: string,
  units: ReadonlyMap<string, Unit>,
  language: Language,
  say: Say,
): string {
  if (key === '') return say('explore.none_given')
  if (by === 'unit') return units.get(key)?.name ?? key
  return by === 'service' ? key : (TEXTS[language][`word.${key}`] ?? key)
}

export function partName(id: string, of: Glossary, language: Language): string {
  const found = of.kpis.get(id) ?? of.constants.get(id)
  return found ? named(found.name, language) : id
}
