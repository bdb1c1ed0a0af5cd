/** What may be written at a place of a query: views, columns, KPIs and units inside texts, parameters, DuckDB's
 * words. */

import { fold } from '../../../lib/format/fold'
import type { Definition, Unit } from '../../../lib/live/messages'
import { named, type Language, type TextKey } from '../../../lib/i18n'
import type { View } from '../shapes'
import { FUNCTIONS, KEYWORDS, TYPES } from './dialect'

export type Vocabulary = {
  views: readonly View[]
  kpis: readonly Definition[]
  units: readonly Unit[]
  language: Language
}
/** `what` is told beside it, `more` when it is chosen; `names` are searched too, whatever the language. */
export type Offer = {
  text: string
  what: string
  more: string
  kind: 'view' | 'column' | 'kpi' | 'unit' | 'parameter' | 'keyword' | 'function' | 'type'
  score: number
  names?: string
}
/** `before` is all that stands before the place, `sql` the whole text; `inText` is the part of a text in quotes
 * before it, null outside of one. */
export type Where = { before: string; sql: string; inText: string | null }
export type Offers = { length: number; offers: Offer[] }

const MOST = 60
const PARAMETERS: [string, TextKey][] = [
  ['unit', 'lab.parameter_unit'],
  ['from', 'lab.parameter_from'],
  ['to', 'lab.parameter_to'],
]
const WORDS: readonly (readonly [string, Offer['kind']])[] = [
  ...KEYWORDS.split(' ').map((word) => [word, 'keyword'] as const),
  ...TYPES.split(' ').map((word) => [word, 'type'] as const),
  ...FUNCTIONS.split(' ').map((word) => [word, 'function'] as const),
]

/** Null where there is nothing to offer. `asked`: by key, so that nothing typed yet is no reason to be silent. */
export function offers(
  { before, sql, inText }: Where,
  known: Vocabulary,
  say: (key: TextKey) => string,
  asked: boolean,
): Offers | null {
  if (inText !== null) return asked || inText.length > 0 ? values(before, inText, known) : null
  const dollar = /\$(\w*)$/.exec(before)
  if (dollar) {
    const found = PARAMETERS.filter(([name]) => name.startsWith(dollar[1] as string))
    return {
      length: dollar[0].length,
      offers: found.map(([name, what]) => ({
        text: `$${name}`,
        what: say(what),
        more: '',
        kind: 'parameter',
        score: 0,
      })),
    }
  }
  const dotted = /([\w"]+)\.(\w*)$/.exec(before)
  if (dotted) {
    const view = viewOf(dotted[1] as string, sql, known.views)
    return view
      ? {
          length: (dotted[2] as string).length,
          offers: best(columnsOf([view], known.language, 3), dotted[2] as string),
        }
      : null
  }
  const word = /[\p{L}_][\p{L}\p{N}_]*$/u.exec(before)?.[0] ?? ''
  if (!word && !asked) return null
  const used = used_in(sql, known.views)
  const all = [
    ...columnsOf(used, known.language, 3),
    ...known.views.map((view): Offer => ({
      text: view.name,
      what: say('lab.view'),
      more: named(view.comment, known.language),
      kind: 'view',
      score: /\b(from|join)\s+\w*$/i.test(before) ? 5 : 2,
    })),
    ...(used.length === 0 ? columnsOf(known.views, known.language, 1) : []),
    ...WORDS.map(([text, kind]): Offer => ({ text, what: '', more: '', kind, score: kind === 'keyword' ? 0.5 : 0 })),
  ]
  return { length: word.length, offers: best(unique(all), word) }
}

function columnsOf(views: readonly View[], language: Language, score: number): Offer[] {
  return unique(
    views.flatMap((view) =>
      view.columns.map(({ name, type, comment }): Offer => ({
        text: name,
        what: type,
        more: `${view.name}.${name}: ${named(comment, language)}`,
        kind: 'column',
        score,
      })),
    ),
  )
}

function unique(all: readonly Offer[]): Offer[] {
  return [...new Map(all.toReversed().map((offer) => [offer.text, offer])).values()].reverse()
}

/** A view by its name or the name it was given in the text. */
function viewOf(name: string, sql: string, views: readonly View[]): View | undefined {
  const wanted = name.replaceAll('"', '').toLowerCase()
  const given = [...sql.matchAll(/\b(?:from|join|,)\s+(\w+)\s+(?:as\s+)?(\w+)/gi)].find(
    ([, , alias]) => alias?.toLowerCase() === wanted,
  )?.[1]
  return views.find((view) => view.name === (given ?? wanted).toLowerCase())
}

const used_in = (sql: string, views: readonly View[]): View[] =>
  views.filter(({ name }) => new RegExp(`\\b${name}\\b`, 'i').test(sql))

/** KPIs and units: the column before the text says which come first. */
function values(before: string, inText: string, { kpis, units, language }: Vocabulary): Offers {
  const outside = before.slice(0, before.length - inText.length - 1)
  const column =
    /([\w.]+)\s*(?:=|<>|!=|\bi?like|\b(?:not\s+)?in\s*\([^()]*)\s*$/i
      .exec(outside)?.[1]
      ?.split('.')
      .at(-1)
      ?.toLowerCase() ?? ''
  const ofKpis = kpis.map((kpi): Offer => ({
    text: kpi.id,
    what: named(kpi.name, language),
    more: '',
    names: `${kpi.name.vi} ${kpi.name.en}`,
    kind: 'kpi',
    score: column === 'kpi' ? 3 : 0,
  }))
  const ofUnits = units.map((unit): Offer => ({
    text: unit.code,
    what: unit.name,
    more: '',
    names: unit.name,
    kind: 'unit',
    score: column === 'unit' ? 3 : 0,
  }))
  const all = column === 'kpi' ? ofKpis : column === 'unit' ? ofUnits : [...ofKpis, ...ofUnits]
  return { length: inText.length, offers: best(all, inText) }
}

/** Found by every word of what is typed, in the name or what is told of it, without diacritics. */
function best(all: readonly Offer[], typed: string): Offer[] {
  const words = fold(typed).split(/\s+/).filter(Boolean)
  const found = all.flatMap((offer) => {
    const [text, what] = [fold(offer.text), fold(offer.what)]
    const told = offer.names ? `${text} ${fold(offer.names)}` : text
    if (!words.every((word) => told.includes(word))) return []
    const begins = words.length > 0 && (text.startsWith(words[0] as string) || what.startsWith(words.join(' ')))
    const whole = words.length > 0 && told.includes(words.join(' '))
    return [{ ...offer, score: offer.score + (begins ? 10 : 0) + (whole ? 5 : 0) }]
  })
  return found.toSorted((a, b) => b.score - a.score).slice(0, MOST)
}
