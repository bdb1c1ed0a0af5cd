/** What the history chart draws: the line with its gaps, targets and references, axes in the province's own time. */

import { local_ms, ruledLine, timeAxis, valueAxis } from '../../lib/charts/axes'
import type { Option } from '../../lib/charts/echarts_parts'
import { base, figure, INK } from '../../lib/charts/style'
import { exact, number } from '../../lib/format/numbers'
import { date, zoneOffset_ms } from '../../lib/format/times'
import type { Point, Target } from '../../lib/live/messages'
import { named, type Language, type Say } from '../../lib/i18n'
import type { Reference } from '../../lib/kpi_values/shapes'
import type { Range } from './ranges'

export type Chart = {
  points: readonly Point[]
  from_ms: number
  to_ms: number
  range: Range
  target: Target | null
  references: readonly Reference[]
  digits: number
  unitOfMeasure: string
}
export type Told = { zone: string; language: Language; say: Say }

/** The chart in the province's own time. */
export function option(chart: Chart, told: Told): Option {
  const { zone, language, say } = told
  const lines = ruled(chart, language, say)
  const values = chart.points.flatMap(({ value }) => (value === null ? [] : [value]))
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const reach = (most - least || Math.abs(most) || 1) * 1.5
  // A line far from all values would flatten them: it is told beside the chart and not drawn in it.
  const near = lines.filter(({ at }) => at >= least - reach && at <= most + reach)
  const bounds = [least, most, ...near.map(({ at }) => at)]
  const value = valueAxis(chart.unitOfMeasure)
  return {
    ...base,
    grid: { left: 8, right: 14, top: 30, bottom: 6, containLabel: true },
    xAxis: timeAxis(chart.from_ms, chart.to_ms, zone),
    yAxis: {
      ...value,
      scale: true,
      min: ({ min }: { min: number }) => padded(Math.min(min, ...bounds), Math.max(...bounds), -1),
      max: ({ max }: { max: number }) => padded(Math.max(max, ...bounds), Math.min(...bounds), 1),
      axisLabel: { ...value.axisLabel, formatter: (each: number) => figure(each, language) },
    },
    tooltip: {
      trigger: 'axis',
      confine: true,
      transitionDuration: 0,
      axisPointer: { type: 'line', lineStyle: { color: INK.axis } },
      formatter: (shown) =>
        hover(chart.points[(Array.isArray(shown) ? shown[0] : shown)?.dataIndex ?? -1], chart, told),
    },
    series: [
      {
        type: 'line',
        data: chart.points.map((point) => [local_ms(Date.parse(point.time), zone), point.value]),
        connectNulls: false,
        showSymbol: true,
        symbol: 'circle',
        symbolSize: (_: unknown, { dataIndex }: { dataIndex: number }) => size(chart.points, dataIndex),
        lineStyle: { color: INK.line, width: 2 },
        itemStyle: { color: INK.line },
        emphasis: { scale: false },
        markLine: {
          silent: true,
          symbol: 'none',
          data: near.map(({ at, text, kind }) =>
            kind === 'target'
              ? ruledLine(at, { text, position: 'insideStartTop' }, INK.high, 'dashed')
              : ruledLine(at, { text, position: 'insideStartTop' }, INK.text, 'dotted'),
          ),
        },
      },
    ],
  }
}

type Ruled = { at: number; text: string; kind: 'target' | 'reference' }

function ruled({ target, references }: Chart, language: Language, say: Say): Ruled[] {
  const goal = target?.at_least ?? target?.at_most
  const sign = target?.at_least != null ? '≥' : '≤'
  const lines: Ruled[] = references.map(({ name, value, at }) => ({
    at: value,
    text: `${named(name, language)} ${at.slice(0, 4)}: ${exact(value, language)}`,
    kind: 'reference',
  }))
  if (goal != null && target) {
    lines.unshift({
      at: goal,
      text: `${say('chart.target', { year: target.year })} ${sign} ${exact(goal, language)}`,
      kind: 'target',
    })
  }
  return lines
}

/** Of a point: a value between two gaps has no line to be seen by, one that was restated is marked. */
function size(points: readonly Point[], i: number): number {
  if (points[i]?.restated) return 8
  return (points[i - 1]?.value ?? null) === null && (points[i + 1]?.value ?? null) === null ? 6 : 0
}

function padded(edge: number, other: number, way: 1 | -1): number {
  const room = Math.abs(edge - other) * 0.12 || Math.abs(edge) * 0.05 || 1
  const moved = edge + way * room
  return edge >= 0 && moved < 0 ? 0 : moved
}

function hover(point: Point | undefined, chart: Chart, told: Told): HTMLElement | string {
  if (!point) return ''
  const box = document.createElement('div')
  const line = (text: string, tag = 'div'): void =>
    void box.append(Object.assign(document.createElement(tag), { textContent: text }))
  line(pointTime(point, told))
  line(pointValue(point, chart, told.language, told.say), 'b')
  line(told.say('chart.samples', { n: number(point.samples, 0, told.language) }))
  if (point.restated) line(`* ${told.say('restated.mark')}`)
  return box
}

export function pointTime({ time }: Point, { zone, say }: Told): string {
  const time_ms = Date.parse(time)
  const local = new Date(time_ms + zoneOffset_ms(time_ms, zone)).toISOString()
  return `${local.slice(11, 16)} ${date(time_ms, zone, say)}`
}

export function pointValue({ value }: Point, { digits, unitOfMeasure }: Chart, language: Language, say: Say): string {
  return value === null ? say('reason.no_data') : `${number(value, digits, language)} ${unitOfMeasure}`
}

export type Summary = { least: number | null; most: number | null; last: number | null; missing: number }

/** What the picture shows, for those who do not see it. */
export function summary(points: readonly Point[]): Summary {
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]))
  if (values.length === 0) return { least: null, most: null, last: null, missing: points.length }
  return {
    least: Math.min(...values),
    most: Math.max(...values),
    last: values.at(-1) ?? null,
    missing: points.length - values.length,
  }
}
