/** A definition in words. They are made from the expression itself, so that they cannot say anything else than it. */

import { number } from '../format/numbers'
import { named, TEXTS, type Language, type Say } from '../i18n'
import type { CaseType, Constant, Definitions, Expression, KpiDefinition, Measure } from './shapes'

/** What the words speak of, by id. */
export type Glossary = {
  kpis: ReadonlyMap<string, KpiDefinition>
  measures: ReadonlyMap<string, Measure>
  caseTypes: ReadonlyMap<string, CaseType>
  constants: ReadonlyMap<string, Constant>
}

export function glossary(definitions: Definitions): Glossary {
  const byId = <T extends { id: string }>(rows: readonly T[]): ReadonlyMap<string, T> =>
    new Map(rows.map((row) => [row.id, row]))
  return {
    kpis: byId(definitions.kpis),
    measures: byId(definitions.measures),
    caseTypes: byId(definitions.case_types),
    constants: byId(definitions.constants ?? []),
  }
}

type Tongue = { language: Language; say: Say }

/** One sentence, without its full stop. */
export function inWords(expression: Expression, of: Glossary, { language, say }: Tongue): string {
  switch (expression.kind) {
    case 'aggregate': {
      const measure = of.measures.get(expression.measure)
      const filled = {
        measure: measure ? lowered(named(measure.name, language)) : expression.measure,
        per: length(expression.per, say),
        q: expression.q === undefined ? '' : `${number(expression.q * 100, 0, language)} %`,
      }
      return expression.take in TAKES
        ? say(`take.${expression.take as keyof typeof TAKES}`, filled)
        : `${expression.take}: ${filled.measure}`
    }
    case 'count':
      return say('words.count', { of: cases(expression.of), where: such(expression.where) })
    case 'sum':
      return say('words.sum', {
        of: cases(expression.of),
        field: word(expression.field, language),
        where: such(expression.where),
      })
    case 'distinct':
      return say('words.distinct', {
        of: cases(expression.of),
        field: word(expression.field, language),
        where: such(expression.where),
      })
    case 'ratio':
      return say('words.ratio', {
        of: cases(expression.of),
        over: such(expression.over),
        where: condition(expression.where, language) || say('words.all'),
      })
    case 'time': {
      const { since, until, take, per, q, working = false } = expression
      const filled = { q: q === undefined ? '' : `${number(q * 100, 0, language)} %` }
      return say('words.time', {
        take: take in TIME_TAKES ? say(`time_take.${take as keyof typeof TIME_TAKES}`, filled) : take,
        since: word(since, language),
        until: word(until, language),
        of: cases(expression.of),
        where: such(expression.where),
        per: working ? say('length.working_days', { n: plain(per) }) : length(per, say),
      })
    }
    case 'formula':
      return formula(expression.text, of, language)
  }

  function cases(id: string): string {
    const type = of.caseTypes.get(id)
    return type ? lowered(named(type.name, language)) : id
  }

  function such(where: string): string {
    const text = condition(where, language)
    return text ? say('words.such', { condition: text }) : ''
  }
}

const TAKES = {
  count: 1,
  sum: 1,
  mean: 1,
  min: 1,
  max: 1,
  last: 1,
  rate: 1,
  stddev: 1,
  quantile: 1,
  distinct: 1,
  nowcast: 1,
}
const TIME_TAKES = { mean: 1, min: 1, max: 1, quantile: 1 }

/** Names in place of ids, signs as they are written by hand. */
export function formula(text: string, of: Glossary, language: Language): string {
  return text
    .replace(/[A-Za-z_]\w*(?:\.\w+)*/g, (id) => {
      const found = of.kpis.get(id) ?? of.constants.get(id)
      return found ? `[${named(found.name, language)}]` : id
    })
    .replace(/\s*\*\s*/g, ' × ')
    .replace(/\s*\/\s*/g, ' ÷ ')
    .replace(/(?<=[\s)\]\d])-(?=\s)/g, '−')
}

/** Signs and words of a condition over cases in the reader's language; empty for one that always holds. */
export function condition(text: string, language: Language): string {
  if (text.trim() === 'true' || text.trim() === '') return ''
  return text
    .split(/('(?:[^']|'')*')/)
    .map((piece, i) => (i % 2 ? `“${word(piece.slice(1, -1), language)}”` : signs(piece, language)))
    .join('')
    .replace(/\s+/g, ' ')
    .trim()
}

function signs(piece: string, language: Language): string {
  return piece
    .replace(/\bis\s+not\s+null\b/gi, () => word('is_not_null', language))
    .replace(/\bis\s+null\b/gi, () => word('is_null', language))
    .replace(/\bnot\s+in\b/gi, () => word('not_in', language))
    .replace(/>=/g, '≥')
    .replace(/<=/g, '≤')
    .replace(/<>|!=/g, '≠')
    .replace(/\b[a-z_]\w*\b/gi, (name) => word(name.toLowerCase(), language))
}

/** A status as it is read; one that the texts do not know stays as it is. */
export const statusWord = (status: string, language: Language): string => word(status, language)

/** A column, an attribute, a status or a small word of conditions; one that the texts do not know stays as it is. */
function word(name: string, language: Language): string {
  return TEXTS[language][`word.${name}`] ?? name
}

function length(per: number | undefined, say: Say): string {
  if (per === undefined) return ''
  const [key, seconds] = (
    [
      ['days', 86_400],
      ['hours', 3600],
      ['minutes', 60],
      ['seconds', 1],
    ] as const
  ).find(([, unit]) => per >= unit && per % unit === 0) ?? ['seconds', 1]
  return say(`length.${key}`, { n: plain(per / seconds) })
}

/** "a minute", not "a 1 minute". */
const plain = (n: number): string => (n === 1 ? '' : `${n} `)

/** A name inside of a sentence; one that begins with an abbreviation (LGSP, PM2.5) keeps its capital. */
function lowered(name: string): string {
  const [first = '', second = ''] = name
  return second === second.toLowerCase() && /\p{L}/u.test(second || 'a') ? first.toLowerCase() + name.slice(1) : name
}

/** The expression as the definition writes it, one line a field. */
export function asWritten(expression: Expression): [string, string][] {
  const workingDays = 'working' in expression && expression.working
  return Object.entries(expression)
    .filter(([field]) => !['kind', 'parts', 'constants', 'working'].includes(field))
    .map(([field, value]) => [field, field === 'per' ? `${String(value)} ${workingDays ? 'wd' : 's'}` : String(value)])
}

/** "Tính cho tháng này, theo ngày tiếp nhận." */
export function windowSentence(definition: KpiDefinition, window: string, { language, say }: Tongue): string {
  const { expression } = definition
  const at = 'at' in expression && expression.at ? word(expression.at, language) : ''
  return at
    ? say('words.window_at', { window: window.toLowerCase(), at })
    : say('words.window', { window: window.toLowerCase() })
}
