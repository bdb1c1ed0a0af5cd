/** How charts of the desk look: ink, marks that differ without colour too, axes, what a pointer is told. */

import { number } from '../format/numbers'
import type { Language } from '../i18n'

export const INK = {
  text: '#4a5763',
  strong: '#1b2733',
  axis: '#7d8894',
  rule: '#e2e6eb',
  least: '#dce8f5',
  most: '#123f73',
  line: '#1f5fa8',
  high: '#a34600',
  critical: '#b3102a',
  bar: '#6d8fb8',
  goal: '#c3cad2',
  shade: 'rgba(163, 70, 0, 0.14)',
  flood: 'rgba(179, 16, 42, 0.12)',
}
export const FONT = "'Inter Variable', sans-serif"
/** Each at least 3:1 on white and told apart by those who see fewer colours; marks and dashes differ as well. */
export const COLOURS = ['#1f5fa8', '#c2570c', '#2b7a4b', '#7a4fa3', '#8a6d00', '#b3102a', '#0f7c8a', '#5b6570'] as const
export const MARKS = ['circle', 'rect', 'triangle', 'diamond', 'roundRect', 'pin', 'arrow'] as const
export const DASHES = ['solid', 'dashed', 'dotted'] as const

export const colour = (i: number): string => COLOURS[i % COLOURS.length] as string
export const mark = (i: number): string => MARKS[i % MARKS.length] as string
export const dash = (i: number): (typeof DASHES)[number] =>
  DASHES[Math.floor(i / COLOURS.length) % DASHES.length] as (typeof DASHES)[number]

/** Four significant figures, whole from a hundred on. */
export function figure(value: number, language: Language): string {
  const decimals =
    Math.abs(value) >= 100 ? 0 : Math.min(String(Number(value.toPrecision(4))).split('.')[1]?.length ?? 0, 3)
  return number(value, decimals, language)
}

export const base = {
  animation: false,
  useUTC: true,
  textStyle: { fontFamily: FONT, fontSize: 12, color: INK.text },
} as const

export function nameOf(name: string): object {
  return { name, nameTextStyle: { color: INK.text, fontFamily: FONT } }
}

export const tip = {
  confine: true,
  transitionDuration: 0,
  textStyle: { fontFamily: FONT, fontSize: 13, color: INK.strong },
} as const

/** What a tooltip is asked to tell of: at least one. */
export const hovered = <T>(shown: unknown): [T, ...T[]] => (Array.isArray(shown) ? shown : [shown]) as [T, ...T[]]

/** Lines of a tooltip as elements: no markup comes of a result. The first is the head. */
export function told(lines: readonly string[]): HTMLElement {
  const box = document.createElement('div')
  for (const [i, line] of lines.entries())
    box.append(Object.assign(document.createElement(i === 0 ? 'b' : 'div'), { textContent: line }))
  return box
}

/** "08:00 22/11/2026", the day alone at midnight. */
export function wall(time_ms: number): string {
  const [date = '', clock = ''] = new Date(time_ms).toISOString().split('T')
  const day = date.split('-').reverse().join('/')
  return clock.startsWith('00:00') ? day : `${clock.slice(0, 5)} ${day}`
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d))?)?/

/** How categories that are times are written, told by all of them: "10/2026" for months, the clock where one is not
 * midnight, the year where there are several. What is no time stays as it is. */
export function timeLabeller(texts: readonly string[]): (text: string) => string {
  const found = texts.flatMap((text) => [ISO.exec(text) ?? []].filter(({ length }) => length > 0))
  const clocks = found.some(([, , , , clock = '00:00']) => clock !== '00:00')
  const months = found.length > 1 && !clocks && found.every(([, , , day]) => day === '01')
  const years = new Set(found.map(([, year]) => year)).size > 1
  return (text) => {
    const match = ISO.exec(text)
    if (!match) return text
    const [, year = '', month = '', day = '', clock = '00:00'] = match
    if (months) return `${month}/${year}`
    return `${day}/${month}${years ? `/${year}` : ''}${clocks ? ` ${clock}` : ''}`
  }
}
