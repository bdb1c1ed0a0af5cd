/** What the comparing chart draws: a line a unit, last year's beside it, targets of each year, the forecast with its
 * band. */

import type { Option } from '../../lib/charts/echarts_parts'
import { base, colour, dash, figure, hovered, INK, mark, nameOf, tip, told } from '../../lib/charts/style'
import { exact, number } from '../../lib/format/numbers'
import type { Unit } from '../../lib/live/messages'
import type { Language, Say } from '../../lib/i18n'
import { coveredBy, local_ms as local, partialText, periodName, places_ms, pointTime, provisional } from './periods'
import type { Forecast, Series } from './shapes'

export type Drawn = {
  series: Series
  forecast: Forecast | null
  units: ReadonlyMap<string, Unit>
  digits: number
  unitOfMeasure: string
  zone: string
  language: Language
  say: Say
}

const TARGET = '#a34600'
const timeLabels = { year: '{yyyy}', month: '{MM}/{yyyy}', day: '{dd}/{MM}', hour: '{HH}:{mm}', minute: '{HH}:{mm}' }
const LEAST_ROOM = 0.12

type Hovered = { seriesId?: string; dataIndex: number }

export function compareOption(of: Drawn): Option {
  const { series, forecast, language, say, zone } = of
  const at = (time: string): number => local(Date.parse(time), zone)
  const times = places_ms(series.times, series.step, zone)
  const dotted = provisional(series)
  const band = forecast && forecast.path.length > 0 ? forecast.path : null
  const lines: object[] = series.series.map((one, i) => ({
    id: `now:${one.unit}`,
    name: nameOfUnit(of, one.unit),
    type: 'line',
    data: one.values.map((value, place) => [times[place], dotted[place] ? null : value]),
    connectNulls: false,
    showSymbol: true,
    symbol: mark(i),
    symbolSize: (_: unknown, { dataIndex }: Hovered) => dot(one.values, one.restated, dataIndex),
    lineStyle: { color: colour(i), width: 2, type: dash(i) },
    itemStyle: { color: colour(i) },
    emphasis: { disabled: true },
    markLine: i === 0 ? goals(of) : undefined,
  }))
  // A provisional stretch is dotted, from the last whole point on.
  if (dotted.includes(true))
    for (const [i, one] of series.series.entries())
      lines.push({
        id: `part:${one.unit}`,
        type: 'line',
        data: one.values.map((value, place) => [
          times[place],
          dotted[place] || dotted[place + 1] || dotted[place - 1] ? value : null,
        ]),
        symbol: 'emptyCircle',
        symbolSize: (_: unknown, { dataIndex }: Hovered) =>
          dotted[dataIndex] && (dataIndex === one.values.length - 1 || !dotted[dataIndex + 1]) ? 6 : 0,
        lineStyle: { color: colour(i), width: 2, type: [2, 4] },
        itemStyle: { color: colour(i) },
        emphasis: { disabled: true },
      })
  for (const [i, one] of (series.last_year?.series ?? []).entries()) {
    lines.push({
      id: `before:${one.unit}`,
      name: say('explore.last_year_of', { unit: nameOfUnit(of, one.unit) }),
      type: 'line',
      // A year earlier by the calendar stands under the same day of this one.
      data: one.values.map((value, place) => [times[place], value]),
      symbol: 'none',
      lineStyle: { color: colour(i), width: 1.5, type: 'dotted' },
      itemStyle: { color: colour(i) },
      emphasis: { disabled: true },
    })
  }
  const sights = goalsInSight(of).map(({ goal }) => goal)
  if (band)
    lines.push(
      ...forecastLines(
        of,
        band.map(({ time }) => at(time)),
      ),
    )
  const named = lines.map((line) => (line as { name?: string }).name).filter((name): name is string => Boolean(name))
  return {
    ...base,
    grid: { left: 12, right: 18, top: named.length > 1 ? 60 : 36, bottom: 8, containLabel: true },
    legend: {
      show: named.length > 1,
      type: 'scroll',
      top: 0,
      left: 'center',
      data: named,
      textStyle: { color: INK.text },
      pageTextStyle: { color: INK.text },
    },
    xAxis: {
      type: 'time',
      axisLine: { lineStyle: { color: INK.axis } },
      axisLabel: { color: INK.text, hideOverlap: true, formatter: timeLabels },
      splitLine: { show: false },
    },
    yAxis: {
      type: 'value',
      scale: true,
      ...nameOf(of.unitOfMeasure),
      nameTextStyle: { color: INK.text, align: 'left', padding: [0, 0, 0, -12] },
      min: ({ min, max }: { min: number; max: number }) =>
        padded(Math.min(min, ...sights), Math.max(max, ...sights), -1),
      max: ({ min, max }: { min: number; max: number }) =>
        padded(Math.max(max, ...sights), Math.min(min, ...sights), 1),
      axisLabel: {
        color: INK.text,
        showMinLabel: false,
        showMaxLabel: false,
        formatter: (value: number) => figure(value, language),
      },
      splitLine: { lineStyle: { color: INK.rule } },
    },
    tooltip: {
      ...tip,
      trigger: 'axis',
      axisPointer: { type: 'line', lineStyle: { color: INK.axis } },
      formatter: (shown: unknown) => tooltip(of, hovered<Hovered>(shown)),
    },
    series: lines as Option['series'],
  } as Option
}

function nameOfUnit({ units }: Drawn, code: string): string {
  const unit = units.get(code)
  return unit ? (unit.parent === '' ? unit.name : unit.short_name) : code
}

/** The band's lower edge carries the area on it; neither has a name of its own in the legend. */
function forecastLines({ forecast, say }: Drawn, times: readonly number[]): object[] {
  if (!forecast) return []
  const { path } = forecast
  const quiet = {
    type: 'line',
    symbol: 'none',
    silent: true,
    emphasis: { disabled: true },
    stack: 'band',
    stackStrategy: 'all',
    lineStyle: { opacity: 0 },
    tooltip: { show: false },
  }
  return [
    { ...quiet, id: 'band-low', data: path.map(({ low }, i) => [times[i], low]) },
    {
      ...quiet,
      id: 'band',
      data: path.map(({ low, high }, i) => [times[i], high - low]),
      areaStyle: { color: '#1f5fa8', opacity: 0.16 },
    },
    {
      id: 'forecast',
      name: say('explore.forecast'),
      type: 'line',
      data: path.map(({ value }, i) => [times[i], value]),
      symbol: 'none',
      lineStyle: { color: '#1f5fa8', width: 2, type: [6, 4] },
      itemStyle: { color: '#1f5fa8' },
      emphasis: { disabled: true },
    },
  ]
}

type Goal = { goal: number; year: number; least: boolean; from: number; to: number }

/** Each year's target where it lies in sight or not far from it. */
function goalsInSight({ series, forecast }: Drawn): Goal[] {
  const values = [...series.series, ...(series.last_year?.series ?? [])].flatMap((one) =>
    one.values.filter((value): value is number => value !== null),
  )
  const reaching = [...values, ...(forecast?.path ?? []).flatMap(({ low, high }) => [low, high])]
  const [least, most] = [Math.min(...reaching), Math.max(...reaching)]
  const reach = (most - least || Math.abs(most) || 1) * 1.5
  const begin = Date.parse(series.times[0] ?? '')
  const end = Date.parse(forecast?.path.at(-1)?.time ?? series.times.at(-1) ?? '')
  return series.targets.flatMap((span) => {
    const goal = span.at_least ?? span.at_most
    if (goal == null || goal < least - reach || goal > most + reach) return []
    const [from, to] = [Math.max(Date.parse(span.from), begin), Math.min(Date.parse(span.to), end)]
    return from < to ? [{ goal, year: span.year, least: span.at_least != null, from, to }] : []
  })
}

/** A line over each year that has a target. */
function goals(of: Drawn): object {
  const { language, say, zone } = of
  const data = goalsInSight(of).map(({ goal, year, least, from, to }) => {
    const formatter = `${say('chart.target', { year })} ${least ? '≥' : '≤'} ${exact(goal, language)}`
    const label = {
      show: true,
      position: 'insideStartTop',
      color: TARGET,
      backgroundColor: '#fff',
      padding: [0, 3],
      formatter,
    }
    return [{ coord: [local(from, zone), goal], label }, { coord: [local(to, zone), goal] }]
  })
  return { silent: true, symbol: 'none', lineStyle: { color: TARGET, type: 'dashed', width: 1.5 }, data }
}

/** A value between two gaps has no line to be seen by; one that was restated is marked. */
function dot(values: readonly (number | null)[], restated: readonly number[], i: number): number {
  if (restated.includes(i)) return 8
  return (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null ? 6 : 0
}

function padded(edge: number, other: number, way: 1 | -1): number {
  const room = Math.abs(edge - other) * LEAST_ROOM || Math.abs(edge) * 0.05 || 1
  const moved = edge + way * room
  return edge >= 0 && moved < 0 ? 0 : moved
}

function tooltip(of: Drawn, shown: readonly Hovered[]): HTMLElement {
  const { series, forecast, language, say, zone } = of
  const valueText = (value: number | null): string =>
    value === null ? say('reason.no_data') : `${number(value, of.digits, language)} ${of.unitOfMeasure}`
  const dotted = provisional(series)
  const lines: string[] = []
  let head = ''
  for (const { seriesId = '', dataIndex: i } of shown) {
    const [kind, unit] = seriesId.split(':')
    if (kind === 'now' || kind === 'part') {
      if ((kind === 'part') !== (dotted[i] ?? false)) continue
      const one = series.series.find((each) => each.unit === unit)
      const covered = coveredBy(series, i)
      head = [periodName(covered, zone, say), partialText(covered, zone, say)].filter(Boolean).join(' · ')
      const samples = say('chart.samples', { n: number(one?.samples[i] ?? 0, 0, language) })
      lines.push(`${nameOfUnit(of, unit ?? '')}: ${valueText(one?.values[i] ?? null)} · ${samples}`)
      if (one?.restated.includes(i)) lines.push(`* ${say('restated.mark')}`)
    } else if (kind === 'before') {
      const one = series.last_year?.series.find((each) => each.unit === unit)
      lines.push(
        `${say('explore.last_year_of', { unit: nameOfUnit(of, unit ?? '') })}: ${valueText(one?.values[i] ?? null)}`,
      )
    } else if (kind === 'forecast') {
      const reach = forecast?.path[i]
      if (!reach) continue
      head = head || pointTime(reach.time, zone, say)
      const [low, high] = [number(reach.low, of.digits, language), number(reach.high, of.digits, language)]
      lines.push(`${say('explore.forecast')}: ${valueText(reach.value)} (${low} – ${high})`)
    }
  }
  return told([head, ...lines])
}
