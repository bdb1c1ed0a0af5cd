/** What the console asks of the centre, and tells it to do. */

import { ask } from '../live/ask'
import { who } from '../people/who.svelte'
import type { AlertInFull, Backtest, Checked, Incident, Rule, Silence, Version } from './protocol'

const ALERTS = '/api/v1/alerts'
const SILENCES = '/api/v1/silences'

/** `id` is rule, unit and onset. */
export const inFull = (id: string, given_up?: AbortSignal): Promise<AlertInFull> =>
  ask<AlertInFull>(`${ALERTS}/${id.split('/').map(encodeURIComponent).join('/')}`, given_up)

export const acknowledge = (alerts: string[]): Promise<unknown> => who.change('POST', `${ALERTS}/acknowledge`, { alerts, note: '' })
export const unacknowledge = (alerts: string[]): Promise<unknown> => who.change('POST', `${ALERTS}/unacknowledge`, { alerts, note: '' })
/** `length` as 30m, 4h, 1d. */
export const shelve = (alerts: string[], length: string, why: string): Promise<unknown> =>
  who.change('POST', `${ALERTS}/shelve`, { alerts, for: length, why, ends_on_resolve: true })
export const unshelve = (alerts: string[]): Promise<unknown> => who.change('POST', `${ALERTS}/unshelve`, { alerts, note: '' })
export const comment = (alerts: string[], text: string): Promise<unknown> => who.change('POST', `${ALERTS}/comment`, { alerts, text })

export const silences = (given_up?: AbortSignal): Promise<{ silences: Silence[] }> => ask(`${SILENCES}?expired=true`, given_up)
export const silence = (wanted: { matchers: string[]; for: string; why: string; ends_on_resolve: boolean }): Promise<Silence> =>
  who.change('POST', SILENCES, wanted)
export const endSilence = (id: string): Promise<unknown> => who.change('DELETE', `${SILENCES}/${encodeURIComponent(id)}`)

const RULES = '/api/v1/rules'
const ofRule = (id: string): string => `${RULES}/${encodeURIComponent(id)}`

export const rules = (given_up?: AbortSignal): Promise<{ rules: Rule[] }> => ask(RULES, given_up)
export const versions = (id: string, given_up?: AbortSignal): Promise<{ versions: Version[] }> => ask(`${ofRule(id)}/versions`, given_up)
export const checkRule = (text: string): Promise<Checked> => who.change('POST', `${RULES}/check`, { text })
export const backtest = (text: string): Promise<Backtest> => who.change('POST', `${RULES}/backtest`, { text, days: 30 })
export const saveRule = (id: string, text: string, why: string): Promise<unknown> => who.change('PUT', ofRule(id), { text, why })
export const rollBack = (id: string, number: number, why: string): Promise<unknown> => who.change('POST', `${ofRule(id)}/roll-back`, { number, why })

const INCIDENTS = '/api/v1/incidents'
export type IncidentAct = 'comment' | 'assign' | 'do_step' | 'undo_step' | 'close' | 'reopen'

export const incidents = (given_up?: AbortSignal): Promise<{ incidents: Incident[]; closing_reasons: string[] }> => ask(INCIDENTS, given_up)
/** The procedure of the first alert's rule is taken up at once. */
export const openIncident = (title: string, alerts: string[]): Promise<Incident> => who.change('POST', INCIDENTS, { title, alerts })
export const actOn = (id: string, act: IncidentAct, of: string, text: string): Promise<unknown> =>
  who.change('POST', `${INCIDENTS}/${encodeURIComponent(id)}/acts`, { act, of, text })
