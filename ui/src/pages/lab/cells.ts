/** Cells of a result as people read and copy them. */

import { clock_ms, numberOf, textOf, type Cell, type Column, type Row } from '../../lib/charts/table'
import { inert } from '../../lib/format/csv'
import { number } from '../../lib/format/numbers'
import { speaker, type Language } from '../../lib/i18n'

const MOST_DECIMALS = 4
const LETTER_PX = 8.4
const [NARROWEST_PX, WIDEST_PX] = [76, 380]

/** How a column is written: one number of decimals all the way down; years and codes without grouping. */
export type Face = { column: Column; decimals: number; grouped: boolean; width_px: number }

export function faces(
  columns: readonly Column[],
  sample: readonly Row[],
  told: { language: Language; zone: string },
): Face[] {
  return columns.map((column, at) => {
    const cells = sample.map((row) => row[at])
    const decimals = column.kind === 'number' ? Math.max(0, ...cells.map((cell) => decimalsOf(numberOf(cell)))) : 0
    const face: Face = { column, decimals, grouped: !/^(year|nam|năm|y)$|_year$/i.test(column.name), width_px: 0 }
    const letters = Math.max(
      column.name.length + 3,
      column.type.length * 0.85 + 1,
      ...cells.map((cell) => shown(cell ?? null, face, told).length),
    )
    return { ...face, width_px: Math.round(Math.min(WIDEST_PX, Math.max(NARROWEST_PX, letters * LETTER_PX + 30))) }
  })
}

function decimalsOf(value: number | null): number {
  if (value === null || Number.isInteger(value)) return 0
  return Math.min(MOST_DECIMALS, value.toFixed(MOST_DECIMALS).replace(/0+$/, '').split('.')[1]?.length ?? 0)
}

export function shown(
  cell: Cell,
  { column, decimals, grouped }: Face,
  { language, zone }: { language: Language; zone: string },
): string {
  if (cell === null) return '—'
  switch (column.kind) {
    case 'number': {
      const value = numberOf(cell)
      if (value === null || !Number.isSafeInteger(Math.trunc(value))) return textOf(cell)
      return grouped ? number(value, decimals, language) : String(value)
    }
    case 'time': {
      const time = clock_ms(cell, zone)
      if (time === null) return textOf(cell)
      const iso = new Date(time).toISOString()
      const seconds = iso.slice(17, 19) === '00' ? '' : iso.slice(16, 19)
      return `${dayOf(iso)} ${iso.slice(11, 16)}${seconds}`
    }
    case 'day':
      return /^\d{4}-\d\d-\d\d$/.test(textOf(cell)) ? dayOf(textOf(cell)) : textOf(cell)
    case 'boolean':
      return cell === true ? '✓' : cell === false ? '✗' : textOf(cell)
    default:
      return column.type === 'INTERVAL' ? intervalText(textOf(cell), language) : textOf(cell)
  }
}

const INTERVAL = /^P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?[\d.]+)S)?)?$/
const INTERVAL_PARTS = ['years', 'months', 'days', 'hours', 'minutes', 'seconds'] as const

/** "25 ngày 3 giờ" of an ISO 8601 duration; other text as it is. */
export function intervalText(iso: string, language: Language): string {
  const say = speaker(language)
  const [, ...found] = INTERVAL.exec(iso) ?? []
  const parts = INTERVAL_PARTS.flatMap((part, i) =>
    found[i] === undefined
      ? []
      : [say(`interval.${part}`, { n: language === 'vi' ? found[i].replace('.', ',') : found[i] })],
  )
  return parts.join(' ') || iso
}

const dayOf = (iso: string): string => iso.slice(0, 10).split('-').reverse().join('/')

/** For a spreadsheet: tabs between cells, whole precision, a point in numbers as the file exports have; null is
 * empty. */
export function copied(head: readonly string[], rows: readonly Row[]): string {
  const cell = (text: string): string => inert(text).replace(/[\t\r\n]+/g, ' ')
  return [...(head.length > 0 ? [head.map(cell)] : []), ...rows.map((row) => row.map((each) => cell(textOf(each))))]
    .map((row) => row.join('\t'))
    .join('\n')
}

/** Which row stands where when sorted by a column: nulls last either way, what is equal stays in order. */
export function ordered(
  rows: readonly Row[],
  at: number,
  kind: Column['kind'],
  way: 1 | -1,
  language: Language,
): Row[] {
  const collator = new Intl.Collator(language, { numeric: true })
  const value = (row: Row): number | string | null =>
    kind === 'number' ? numberOf(row[at]) : row[at] === null || row[at] === undefined ? null : textOf(row[at])
  return rows
    .map((row) => [value(row), row] as const)
    .sort(([a], [b]) => {
      if (a === null || b === null) return Number(a === null) - Number(b === null)
      return way * (typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b)))
    })
    .map(([, row]) => row)
}
