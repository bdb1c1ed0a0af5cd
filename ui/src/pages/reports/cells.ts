/** Cells as they are read: the same figures as in the files, the reason of a dash beside it. */

import { number, signed } from '../../lib/format/numbers'
import { named, type Language } from '../../lib/i18n'
import type { Cell, Column, Row, Table } from './shapes'

export const DASH = '—'
const SIGNED = ['So kỳ trước', 'Tăng, giảm', 'So cùng kỳ']

export type Shown = { text: string; small: string; why: string }

export function shown(cell: Cell, column: Column | undefined, language: Language): Shown {
  if (cell.value === null) return { text: DASH, small: cell.short, why: named(cell.why, language) }
  if (typeof cell.value !== 'number') return { text: named(cell.value, language), small: '', why: '' }
  const write = column && SIGNED.includes(named(column.name, 'vi')) ? signed : number
  return { text: write(cell.value, cell.digits, language), small: '', why: '' }
}

export type Group = { name: string; span: number }

/** Columns that stand under one name, in their order; empty when none has any. */
export function groups(columns: readonly Column[], language: Language): Group[] {
  const found: Group[] = []
  for (const column of columns) {
    const name = named(column.group, language)
    const last = found.at(-1)
    if (last && last.name === name) last.span += 1
    else found.push({ name, span: 1 })
  }
  return found.some(({ name }) => name) ? found : []
}

export type Line = { section: string } | { row: Row }

/** Rows with the headings of their sections between them. */
export function lines(table: Table, language: Language): Line[] {
  const found: Line[] = []
  let section = ''
  for (const row of table.rows) {
    const here = named(row.section, language)
    if (here && here !== section) found.push({ section: here })
    section = here
    found.push({ row })
  }
  return found
}
