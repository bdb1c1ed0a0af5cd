/** The preview of a rule on history: the value, the limits where they are about it, the times when it would have
 * fired. */

import { local_ms, ruledLine, shadedArea, timeAxis, valueAxis } from '../../../lib/charts/axes'
import type { Option } from '../../../lib/charts/echarts_parts'
import { base, INK } from '../../../lib/charts/style'
import { exact, number } from '../../../lib/format/numbers'
import { moment } from '../../../lib/format/times'
import type { Point } from '../../../lib/live/messages'
import type { Language, Say } from '../../../lib/i18n'
import { limitsOf } from '../rule_limits'
import type { Fields, Firing } from '../shapes'
import { kindOf } from './condition'

export type Preview = {
  points: readonly Point[]
  firings: readonly Firing[]
  fields: Fields
  from_ms: number
  to_ms: number
  digits: number
  unitOfMeasure: string
}
export type Told = { zone: string; language: Language; say: Say; now_ms: number }

export type Line = { at: number; kind: 'fires' | 'clears' }

/** Limits about the value itself; those of a change or a deviation are about something else, and are not drawn. */
export function lines(fields: Fields): Line[] {
  const kind = kindOf(fields)
  if (kind === 'change' || kind === 'deviation') return []
  const { fires_above, fires_below, clears_below, clears_above } = limitsOf(fields)
  const found: Line[] = []
  for (const at of [fires_above, fires_below]) if (typeof at === 'number') found.push({ at, kind: 'fires' })
  for (const at of [clears_below, clears_above]) if (typeof at === 'number') found.push({ at, kind: 'clears' })
  return found
}

export function option(
  { points, firings, fields, from_ms, to_ms, digits, unitOfMeasure }: Preview,
  { zone, language, say, now_ms }: Told,
): Option {
  const n = (value: number): string => number(value, digits, language)
  const drawn = lines(fields)
  const values = [...points.flatMap(({ value }) => (value === null ? [] : [value])), ...drawn.map(({ at }) => at)]
  const [least, most] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1]
  const room = (most - least || Math.abs(most) || 1) * 0.12
  const value = valueAxis(unitOfMeasure)
  return {
    ...base,
    grid: { left: 8, right: 14, top: 26, bottom: 4, containLabel: true },
    xAxis: timeAxis(from_ms, to_ms, zone),
    yAxis: {
      ...value,
      scale: true,
      min: least >= 0 ? Math.max(0, least - room) : least - room,
      max: most + room,
      axisLabel: { ...value.axisLabel, formatter: n },
    },
    tooltip: {
      trigger: 'axis',
      confine: true,
      transitionDuration: 0,
      formatter: (shown) => {
        const point = points[(Array.isArray(shown) ? shown[0] : shown)?.dataIndex ?? -1]
        if (!point) return ''
        const figure = point.value === null ? say('reason.no_data') : `${n(point.value)} ${unitOfMeasure}`
        const samples = say('chart.samples', { n: number(point.samples, 0, language) })
        const textContent = [moment(Date.parse(point.time), now_ms, zone), figure, samples].join(' · ')
        return Object.assign(document.createElement('div'), { textContent })
      },
    },
    series: [
      {
        type: 'line',
        data: points.map(({ time, value }) => [local_ms(Date.parse(time), zone), value]),
        connectNulls: false,
        showSymbol: false,
        lineStyle: { color: INK.line, width: 2 },
        itemStyle: { color: INK.line },
        markLine: {
          silent: true,
          symbol: 'none',
          data: drawn.map(({ at, kind }) => {
            const text = `${say(`limit.${kind}`)} ${exact(at, language)}`
            return kind === 'fires'
              ? ruledLine(at, { text, position: 'insideStartTop' }, INK.high, 'dashed')
              : ruledLine(at, { text, position: 'insideEndBottom' }, INK.text, 'dotted')
          }),
        },
        markArea: {
          silent: true,
          itemStyle: { color: INK.shade },
          data: firings.map(({ fired, end }) => shadedArea(Date.parse(fired), end ? Date.parse(end) : to_ms, zone)),
        },
      },
    ],
  }
}
