/** Alerts that another system sent: what it says of them. */

import type { Alert } from '../../../lib/live/messages'

/** No rule of the centre made it. */
export function isIncoming({ source, labels, rule, matchers }: Alert, rules: ReadonlyMap<string, unknown>): boolean {
  const ownMatchers = !matchers || matchers.some((one) => one === `rule="${rule}"`)
  return !!(source || labels['source']) && !ownMatchers && !rules.has(rule)
}

/** Pages of the sender's that may be opened: the alert there, and what to do about it. */
export function linksOf({ link = '', annotations = {} }: Alert): ['sender' | 'runbook', string][] {
  const all: ['sender' | 'runbook', string][] = [
    ['sender', link],
    ['runbook', annotations['runbook_url'] ?? ''],
  ]
  return all.filter(([, url]) => isWeb(url))
}

/** Summary and description first, then the others; links are shown as such. */
export function annotationsOf({ annotations = {} }: Alert): [string, string][] {
  const first = ['summary', 'description']
  const place = (name: string): number => (first.includes(name) ? first.indexOf(name) : first.length)
  return Object.entries(annotations)
    .filter(([name, text]) => text && !(name === 'runbook_url' && isWeb(text)))
    .sort(([a], [b]) => place(a) - place(b) || (a < b ? -1 : 1))
}

const isWeb = (url: string): boolean => URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol)
