/** What the console asks of the centre, and tells it to do. Lengths of time are written 30m, 4h, 1d. */

import { at } from '../../lib/address/base_path'
import { ask } from '../../lib/api/request'
import { who } from '../../lib/auth/who.svelte'
import { rfc3339 } from '../../lib/api/request'
import type {
  AlertInFull,
  Audit,
  Backtest,
  Channel,
  Checked,
  CheckedRouting,
  Fields,
  Fired,
  Incident,
  Letter,
  OnCall,
  OwnFigure,
  Procedure,
  Routing,
  Rule,
  Silence,
  Version,
  Way,
} from './shapes'

const ALERTS = '/api/v1/alerts'
const SILENCES = '/api/v1/silences'

/** `id` is rule, unit and onset. */
export const inFull = (id: string, signal?: AbortSignal): Promise<AlertInFull> =>
  ask<AlertInFull>(`${ALERTS}/${id.split('/').map(encodeURIComponent).join('/')}`, signal)

export const acknowledge = (alerts: string[]): Promise<unknown> =>
  who.change('POST', `${ALERTS}/acknowledge`, { alerts, note: '' })
export const unacknowledge = (alerts: string[]): Promise<unknown> =>
  who.change('POST', `${ALERTS}/unacknowledge`, { alerts, note: '' })
export const shelve = (alerts: string[], length: string, why: string): Promise<unknown> =>
  who.change('POST', `${ALERTS}/shelve`, { alerts, for: length, why, ends_on_resolve: true })
export const unshelve = (alerts: string[]): Promise<unknown> =>
  who.change('POST', `${ALERTS}/unshelve`, { alerts, note: '' })
/** For alerts of other systems whose sender is gone. */
export const close = (alerts: string[], why: string): Promise<unknown> =>
  who.change('POST', `${ALERTS}/close`, { alerts, why })
export const comment = (alerts: string[], text: string): Promise<unknown> =>
  who.change('POST', `${ALERTS}/comment`, { alerts, text })

export const silences = (signal?: AbortSignal): Promise<{ silences: Silence[] }> =>
  ask(`${SILENCES}?expired=true`, signal)
/** Number of alerts that match now, for all matchers together and for each. */
export type Meant = { count: number; matchers: readonly { matcher: string; count: number }[] }
export const checkSilence = (matchers: string[]): Promise<Meant> =>
  who.change('POST', `${SILENCES}/check`, { matchers })
export const silence = (wanted: {
  matchers: string[]
  for: string
  why: string
  ends_on_resolve: boolean
}): Promise<Silence> => who.change('POST', SILENCES, wanted)
export const endSilence = (id: string): Promise<unknown> =>
  who.change('DELETE', `${SILENCES}/${encodeURIComponent(id)}`)

const RULES = '/api/v1/rules'
const ofRule = (id: string): string => `${RULES}/${encodeURIComponent(id)}`
/** Thirty days of a hundred and sixty units take a while on a small machine. */
const BACKTEST_PATIENCE_MS = 60_000

export type Draft = { fields: Fields } | { text: string }
export type RuleList = {
  rules: Rule[]
  procedures: Procedure[]
  own_figures: OwnFigure[]
  left_out?: readonly { kpi: string; field: string; message: string }[]
}

export const rules = (signal?: AbortSignal): Promise<RuleList> => ask(RULES, signal)
export const versions = (id: string, signal?: AbortSignal): Promise<{ versions: Version[] }> =>
  ask(`${ofRule(id)}/versions`, signal)
export const checkRule = (draft: Draft): Promise<Checked> => who.change('POST', `${RULES}/check`, draft)
export const backtest = (draft: Draft, days: number, units?: string[]): Promise<Backtest> =>
  who.change('POST', `${RULES}/backtest`, { ...draft, days, ...(units ? { units } : {}) }, BACKTEST_PATIENCE_MS)
/** `revision` is that of the rule the draft was made from, '' for a new one. */
export const saveRule = (id: string, draft: Draft, why: string, revision?: string): Promise<unknown> =>
  who.change('PUT', ofRule(id), { ...draft, why, ...(revision === undefined ? {} : { revision }) })
export const deleteRule = (id: string, why: string): Promise<unknown> =>
  who.change('DELETE', `${ofRule(id)}?${new URLSearchParams({ why })}`)
export const rollBack = (id: string, number: number, why: string): Promise<unknown> =>
  who.change('POST', `${ofRule(id)}/roll-back`, { number, why })
export const outOfService = (id: string, length: string, why: string): Promise<unknown> =>
  who.change('POST', `${ofRule(id)}/out-of-service`, { for: length, why })
export const inService = (id: string): Promise<unknown> => who.change('DELETE', `${ofRule(id)}/out-of-service`)

const INCIDENTS = '/api/v1/incidents'
const ofIncident = (id: string): string => `${INCIDENTS}/${encodeURIComponent(id)}`
export type IncidentAct = 'comment' | 'assign' | 'severity' | 'take_up' | 'do_step' | 'undo_step' | 'close' | 'reopen'

export const incidents = (signal?: AbortSignal): Promise<{ incidents: Incident[]; closing_reasons: string[] }> =>
  ask(INCIDENTS, signal)
/** The procedure of the first alert's rule is taken up at once. */
export const openIncident = (title: string, alerts: string[]): Promise<Incident> =>
  who.change('POST', INCIDENTS, { title, alerts })
export const actOn = (id: string, act: IncidentAct, of: string, text: string): Promise<unknown> =>
  who.change('POST', `${ofIncident(id)}/acts`, { act, of, text })
export const attach = (id: string, file: File): Promise<unknown> =>
  who.upload(`${ofIncident(id)}/files?${new URLSearchParams({ name: file.name })}`, file)
export const exportPath = (id: string): string => at(`${ofIncident(id)}/export`)
export const filePath = (id: string, file: string): string => at(`${ofIncident(id)}/files/${encodeURIComponent(file)}`)

/** Full names by account. */
export const names = async (signal?: AbortSignal): Promise<ReadonlyMap<string, string>> =>
  new Map(Object.entries((await ask<{ names: Record<string, string> }>('/api/v1/people/names', signal)).names))

const ROUTING = '/api/v1/routing'
export const routing = (signal?: AbortSignal): Promise<Routing> => ask(ROUTING, signal)
export const checkRouting = (text: string): Promise<CheckedRouting> => who.change('POST', `${ROUTING}/check`, { text })
export const saveRouting = (text: string, why: string, revision?: string): Promise<unknown> =>
  who.change('PUT', ROUTING, { text, why, ...(revision === undefined ? {} : { revision }) })
export type Asking = { labels: Record<string, string> } | { rule: string; unit: string } | { alert: string }
/** By the routing in force, or that of `text`. */
export const whoWouldGet = (asking: Asking, text?: string): Promise<Way> =>
  who.change('POST', `${ROUTING}/test`, { ...asking, ...(text === undefined ? {} : { text }) })
export const onCall = (from_ms: number, to_ms: number, signal?: AbortSignal): Promise<OnCall> =>
  ask(`${ROUTING}/on-call?${new URLSearchParams({ from: rfc3339(from_ms), to: rfc3339(to_ms) })}`, signal)

export const channels = (signal?: AbortSignal): Promise<{ channels: Channel[] }> => ask('/api/v1/channels', signal)
export const tryChannel = (id: string): Promise<unknown> =>
  who.change('POST', `/api/v1/channels/${encodeURIComponent(id)}/test`)
export const letters = (state: string, signal?: AbortSignal): Promise<{ deliveries: Letter[] }> =>
  ask(`/api/v1/deliveries?${new URLSearchParams({ ...(state ? { state } : {}), limit: '200' })}`, signal)
export const retry = (deliveries: string[]): Promise<unknown> =>
  who.change('POST', '/api/v1/deliveries/retry', { deliveries })

export const audit = (from_ms: number, to_ms: number, operators: number, signal?: AbortSignal): Promise<Audit> =>
  ask(
    `${ALERTS}/audit?${new URLSearchParams({
      from: rfc3339(from_ms),
      to: rfc3339(to_ms),
      operators: String(operators),
    })}`,
    signal,
  )

const MOST_PAGES = 10
/** Alerts that fired in a stretch of time, the latest first: at most ten thousand. */
export async function fired(from_ms: number, to_ms: number, signal?: AbortSignal): Promise<Fired[]> {
  const found: Fired[] = []
  let before: string | null = ''
  for (let page = 0; page < MOST_PAGES && before !== null; page += 1) {
    const query: string = new URLSearchParams({
      from: rfc3339(from_ms),
      to: rfc3339(to_ms),
      limit: '1000',
      ...(before ? { before } : {}),
    }).toString()
    const answer: { alerts: Fired[]; next: string | null } = await ask(`${ALERTS}/history?${query}`, signal)
    found.push(...answer.alerts)
    before = answer.next
  }
  return found
}
