/** What the history chart draws: the line with its gaps, targets and references, axes in the province's own time. */

import { timeLabels } from '../../lib/format/axis'
import { exact, number } from '../../lib/format/numbers'
import { date, zoneOffset_ms } from '../../lib/format/times'
import type { Point, Target } from '../../lib/live/protocol'
import { named, type Language, type Say } from '../../lib/i18n'
import type { Option } from './echarts'
import type { Reference } from '../../lib/kpi_values/protocol'
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

const INK = { line: '#1f5fa8', text: '#4a5763', rule: '#e2e6eb', target: '#a34600', reference: '#4a5763' }
const FONT = "'Inter Variable', sans-serif"

/** ECharts places times in UTC: what it is given is moved by the zone's offset, so that its days are the province's. */
export function option(chart: Chart, { zone, language, say }: Told): Option {
  const local = (time_ms: number): number => time_ms + zoneOffset_ms(time_ms, zone)
  const lines = ruled(chart, language, say)
  const values = chart.points.flatMap(({ value }) => (value === null ? [] : [value]))
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const reach = (most - least || Math.abs(most) || 1) * 1.5
  // A line far from all values would flatten them: it is told beside the chart and not drawn in it.
  const near = lines.filter(({ at }) => at >= least - reach && at <= most + reach)
  const bounds = [least, most, ...near.map(({ at }) => at)]
  return {
    animation: false,
    useUTC: true,
    textStyle: { fontFamily: FONT, fontSize: 12, color: INK.text },
    grid: { left: 8, right: 14, top: 30, bottom: 6, containLabel: true },
    xAxis: {
      type: 'time',
      min: local(chart.from_ms),
      max: local(chart.to_ms),
      axisLine: { lineStyle: { color: '#7d8894' } },
      axisLabel: { color: INK.text, hideOverlap: true, formatter: timeLabels(chart.from_ms, chart.to_ms) },
      splitLine: { show: false },
    },
    yAxis: {
      type: 'value',
      scale: true,
      min: ({ min }: { min: number }) => padded(Math.min(min, ...bounds), Math.max(...bounds), -1),
      max: ({ max }: { max: number }) => padded(Math.max(max, ...bounds), Math.min(...bounds), 1),
      name: chart.unitOfMeasure,
      nameTextStyle: { color: INK.text, align: 'left', padding: [0, 0, 0, -20] },
      axisLabel: {
        color: INK.text,
        showMinLabel: false,
        showMaxLabel: false,
        formatter: (value: number) => tick(value, language),
      },
      splitLine: { lineStyle: { color: INK.rule } },
    },
    tooltip: {
      trigger: 'axis',
      confine: true,
      transitionDuration: 0,
      axisPointer: { type: 'line', lineStyle: { color: '#7d8894' } },
      formatter: (shown) =>
        hover(chart.points[(Array.isArray(shown) ? shown[0] : shown)?.dataIndex ?? -1], chart, { zone, language, say }),
    },
    series: [
      {
        type: 'line',
        data: chart.points.map(({ time, value }) => [local(Date.parse(time)), value]),
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
          data: near.map(({ at, text, kind }) => ({
            yAxis: at,
            lineStyle: { color: INK[kind], type: kind === 'target' ? 'dashed' : 'dotted', width: 1.5 },
            label: {
              formatter: text,
              position: 'insideStartTop',
              color: INK[kind],
              backgroundColor: '#fff',
              padding: [0, 3],
              fontSize: 12,
              fontFamily: FONT,
            },
          })),
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

function tick(value: number, language: Language): string {
  const decimals =
    Math.abs(value) >= 100 ? 0 : Math.min(String(Number(value.toPrecision(4))).split('.')[1]?.length ?? 0, 3)
  return number(value, decimals, language)
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
