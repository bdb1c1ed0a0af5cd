/** The address of the lab: what somebody sees on it is in it, so that a link shows the same to another. The text stands
 * behind the #, compressed when it is long; parameters as `p_unit=19753`, the tab as `view=`. */

import { at } from './base_path'
import { withLanguage } from './page_address'
import { CHARTS, type ChartKind, type ChartSpec } from '../charts/spec'
import type { Language } from '../i18n'

/** What a query's parameters stand for, by name. */
export type Parameters = Record<string, string>

export const TABS = ['table', 'chart', 'plan'] as const
export type Tab = (typeof TABS)[number]
/** `tab` is null where nothing was run: a link to it does not run either. `saved` and `question` say where the text
 * began; the text itself is always there. */
export type LabView = {
  sql: string
  parameters: Parameters
  chart: ChartSpec | null
  tab: Tab | null
  saved: string
  question: string
}

const LONG = 1200
const PREFIX = 'p_'

/** Relative to the centre; for other pages that show the SQL behind what they show. */
export function labPath(place: Partial<LabView> & { sql: string }, language: Language): string {
  return at(`/lab${searchOf(place, language)}${hashOf(place.sql)}`)
}

export function searchOf(
  { parameters = {}, chart = null, tab = null, saved = '', question = '' }: Partial<LabView>,
  language: Language,
): string {
  const query = new URLSearchParams()
  if (saved) query.set('saved', saved)
  if (question) query.set('question', question)
  for (const [name, value] of Object.entries(parameters)) query.set(PREFIX + name, value)
  if (tab) query.set('view', tab)
  if (chart) query.set('chart', JSON.stringify([chart.kind, chart.x, chart.y, chart.by]))
  return withLanguage(query.toString(), language)
}

const hashOf = (sql: string): string => (sql ? `#sql=${encodeURIComponent(sql)}` : '')

/** As `labPath`, a long text compressed. */
export async function linkOf(place: LabView, language: Language): Promise<string> {
  const search = searchOf(place, language)
  return at(`/lab${search}${place.sql.length > LONG ? `#z=${await packed(place.sql)}` : hashOf(place.sql)}`)
}

/** What an address shows; a text that cannot be read is empty, a chart that cannot is none. */
export async function placeOf(search: string, hash: string): Promise<LabView> {
  const query = new URLSearchParams(search)
  const parameters = Object.fromEntries(
    [...query].filter(([key]) => key.startsWith(PREFIX)).map(([key, value]) => [key.slice(PREFIX.length), value]),
  )
  const view = query.get('view')
  return {
    sql: await textOf(hash),
    parameters,
    chart: chartOf(query.get('chart')),
    tab: TABS.find((tab) => tab === view) ?? null,
    saved: query.get('saved') ?? '',
    question: query.get('question') ?? '',
  }
}

function chartOf(text: string | null): ChartSpec | null {
  try {
    const [kind, x, y, by] = JSON.parse(text ?? '') as [ChartKind, string, string[], string]
    return CHARTS.includes(kind) && typeof x === 'string' && Array.isArray(y)
      ? { kind, x, y: y.map(String), by: String(by ?? '') }
      : null
  } catch {
    return null
  }
}

async function textOf(hash: string): Promise<string> {
  const [, form = '', text = ''] = /^#(sql|z)=(.*)$/s.exec(hash) ?? []
  try {
    return form === 'z' ? await unpacked(text) : decodeURIComponent(text)
  } catch {
    return ''
  }
}

async function packed(text: string): Promise<string> {
  const bytes = new Uint8Array(await through(new TextEncoder().encode(text), new CompressionStream('deflate-raw')))
  let letters = ''
  for (const byte of bytes) letters += String.fromCharCode(byte)
  return btoa(letters).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

async function unpacked(text: string): Promise<string> {
  const letters = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0))
  return new TextDecoder('utf-8', { fatal: true }).decode(await through(bytes, new DecompressionStream('deflate-raw')))
}

function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): Promise<ArrayBuffer> {
  return new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer()
}
