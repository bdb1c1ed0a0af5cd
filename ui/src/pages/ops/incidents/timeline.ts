/** What a line of an incident's timeline says. */

import { named, type Language, type Say, type TextKey } from '../../../lib/i18n'
import type { Incident } from '../shapes'
import type { OpsSession } from '../session.svelte'

const KNOWN = [
  'opened',
  'alert_added',
  'alert_removed',
  'assigned',
  'severity_set',
  'commented',
  'attached',
  'procedure_taken_up',
  'step_done',
  'step_undone',
  'closed',
  'reopened',
]

type Entry = Incident['timeline'][number]

/** `of` is what the act was about: a person, a step, a reason, a file; it is said by its name. */
export function entryText(
  entry: Entry,
  incident: Incident,
  { names, described }: Pick<OpsSession, 'names' | 'described'>,
  language: Language,
  say: Say,
): { said: string; text: string } {
  const said = KNOWN.includes(entry.act) ? say(`incident_act.${entry.act}` as TextKey) : entry.act
  return { said, text: [about(entry, incident), entry.text].filter(Boolean).join(' · ') }

  function about({ act, of, text }: Entry, { procedures, attachments }: Incident): string {
    if (!of) return ''
    if (act === 'assigned') return names.get(of) ?? of
    if (act === 'closed') return say(`reason_of.${of}` as TextKey)
    if (act === 'severity_set') return say(`severity_of.${of}` as TextKey)
    if (act === 'attached') return text ? '' : (attachments.find(({ id }) => id === of)?.name ?? of)
    if (act === 'procedure_taken_up') return named(procedures[of]?.procedure.name ?? { vi: of }, language)
    if (act === 'step_done' || act === 'step_undone') {
      const [procedure = '', step = ''] = of.split('/')
      return named(procedures[procedure]?.procedure.steps.find(({ id }) => id === step)?.text ?? { vi: of }, language)
    }
    if (act === 'alert_added' || act === 'alert_removed') {
      const [rule = '', unit = ''] = of.split('/')
      return [named(described.rules.get(rule) ?? { vi: rule }, language), described.units.get(unit)?.name]
        .filter(Boolean)
        .join(' · ')
    }
    return ''
  }
}
