/** A result as a chart and a table see it: columns with a kind, cells as JSON gives them. */

import { zoneOffset_ms } from '../format/times'

export type Kind = 'number' | 'time' | 'day' | 'boolean' | 'text' | 'nested'
export type Cell = string | number | boolean | null | object
export type Column = { name: string; type: string; kind: Kind }
export type Row = readonly Cell[]
export type Table = { columns: readonly Column[]; rows: readonly Row[] }

const NUMBERS = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\b.*|BIGNUM)$/

/** Of a type as DuckDB names it. */
export function kindOf(type: string): Kind {
  const name = type.toUpperCase()
  if (NUMBERS.test(name)) return 'number'
  if (name.startsWith('TIMESTAMP')) return name.endsWith(']') ? 'nested' : 'time'
  if (name === 'DATE') return 'day'
  if (name === 'BOOLEAN') return 'boolean'
  if (name.endsWith(']') || /^(STRUCT|MAP|UNION|JSON)/.test(name)) return 'nested'
  return 'text'
}

export function columnsOf(told: readonly { name: string; type: string }[]): Column[] {
  return told.map(({ name, type }) => ({ name, type, kind: kindOf(type) }))
}

/** Numbers beyond 2^53 and decimals come as text. Null for anything that is no finite number. */
export function numberOf(cell: Cell | undefined): number | null {
  const value = typeof cell === 'string' && cell.trim() !== '' ? Number(cell) : cell
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?)?(Z|[+-]\d\d(?::?\d\d)?)?$/

/** Milliseconds of the wall clock in the province, as if it were UTC: what an axis drawn in UTC shows. A time without a
 * zone is the province's own already. Null for what is no time. */
export function clock_ms(cell: Cell | undefined, zone: string): number | null {
  const found = typeof cell === 'string' ? TIME.exec(cell) : null
  if (!found) return null
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '0', offset] = found
  const wall = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
  const exact = wall + Math.floor(Number(fraction) * 1000)
  if (!offset) return exact
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(offset) ?? ['', '+', '0', '0']
  const utc = exact - (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
  return utc + zoneOffset_ms(utc, zone)
}

export const textOf = (cell: Cell | undefined): string =>
  cell === null || cell === undefined ? '' : typeof cell === 'object' ? JSON.stringify(cell) : String(cell)
