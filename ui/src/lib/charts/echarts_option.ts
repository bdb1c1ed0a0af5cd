/** The chart of a result as ECharts draws it. */

import type { Language } from '../i18n'
import { labelling, type Drawing, type Size } from './drawing'
import type { Option } from './echarts_parts'
import { heatOption, mapOption } from './fields'
import { bars, lines, scatter } from './series'
import { distinct } from './spec'
import { base, colour, dash, figure, hovered, INK, mark, nameOf, tip, told, wall } from './style'

const MANY = 60

export function option(drawing: Drawing, size: Size): Option {
  switch (drawing.spec.kind) {
    case 'line':
      return lineOption(drawing)
    case 'heat':
      return heatOption(drawing)
    case 'scatter':
      return scatterOption(drawing)
    case 'map':
      return mapOption(drawing, size)
    default:
      return barOption(drawing)
  }
}

/** How much height the names along the side need, px; 0 where any height does. */
export function wished({ table, spec, units, language }: Drawing): number {
  if (spec.kind === 'heat') return distinct(table, spec.by) * 15 + 96
  if (spec.kind !== 'bar' && spec.kind !== 'stacked') return 0
  const { categories } = bars(table, spec, labelling({ table, units, language }))
  return lying(categories) ? Math.min(categories.length, MANY) * 18 + 110 : 0
}

/** Long or many names are read from top to bottom. */
const lying = (categories: readonly string[]): boolean =>
  categories.length > 8 || categories.some((name) => name.length > 12)

const legend = (n: number): object => ({
  show: n > 1,
  type: 'scroll',
  top: 0,
  left: 'center',
  textStyle: { color: INK.text },
  pageTextStyle: { color: INK.text },
})
const grid = (n: number): object => ({ left: 16, right: 24, top: n > 1 ? 56 : 36, bottom: 30, containLabel: true })
const timeLabels = {
  year: '{yyyy}',
  month: '{MM}/{yyyy}',
  day: '{dd}/{MM}',
  hour: '{HH}:{mm}',
  minute: '{HH}:{mm}',
  second: '{HH}:{mm}:{ss}',
}

function valueAxis(name: string, language: Language): object {
  return {
    type: 'value',
    scale: true,
    ...nameOf(name),
    axisLabel: { color: INK.text, formatter: (value: number) => figure(value, language) },
    splitLine: { lineStyle: { color: INK.rule } },
  }
}

function lineOption(drawing: Drawing): Option {
  const { table, spec, zone, language } = drawing
  const series = lines(table, spec, zone, labelling(drawing))
  return {
    ...base,
    legend: legend(series.length),
    grid: grid(series.length),
    xAxis: {
      type: 'time',
      ...nameOf(spec.x),
      nameLocation: 'middle',
      nameGap: 26,
      axisLine: { lineStyle: { color: INK.axis } },
      axisLabel: { color: INK.text, hideOverlap: true, formatter: timeLabels },
    },
    yAxis: valueAxis(spec.y.length === 1 ? (spec.y[0] as string) : '', language),
    tooltip: {
      ...tip,
      trigger: 'axis',
      axisPointer: { type: 'line', lineStyle: { color: INK.axis } },
      formatter: (shown) => {
        const all = hovered<{ seriesName: string; value: [number, number | null] }>(shown)
        return told([
          all[0] ? wall(all[0].value[0]) : '',
          ...all.map(
            ({ seriesName, value }) => `${seriesName}: ${value[1] === null ? '—' : figure(value[1], language)}`,
          ),
        ])
      },
    },
    series: series.map(({ name, points }, i) => ({
      type: 'line',
      name,
      data: points,
      connectNulls: false,
      symbol: mark(i),
      // A value between two gaps has no line to be seen by.
      showSymbol: true,
      symbolSize: (_: unknown, { dataIndex }: { dataIndex: number }) =>
        points.length <= MANY || alone(points, dataIndex) ? 6 : 0,
      lineStyle: { color: colour(i), type: dash(i), width: 2 },
      itemStyle: { color: colour(i) },
      emphasis: { scale: false },
    })),
  }
}

const alone = (points: readonly (readonly [number, number | null])[], i: number): boolean =>
  (points[i - 1]?.[1] ?? null) === null && (points[i + 1]?.[1] ?? null) === null

function barOption(drawing: Drawing): Option {
  const { table, spec, language } = drawing
  const { categories, series } = bars(table, spec, labelling(drawing))
  const stacked = spec.kind === 'stacked'
  const across = lying(categories)
  const names = {
    type: 'category' as const,
    data: categories,
    ...nameOf(spec.x),
    axisLine: { lineStyle: { color: INK.axis } },
    axisLabel: { color: INK.text, width: 190, overflow: 'truncate' as const },
  }
  const values = { ...valueAxis(spec.y.length === 1 ? (spec.y[0] as string) : '', language), scale: false }
  return {
    ...base,
    legend: legend(series.length),
    grid: grid(series.length),
    ...(across
      ? {
          yAxis: { ...names, inverse: true, nameLocation: 'start' },
          xAxis: { ...values, nameLocation: 'middle', nameGap: 26 },
        }
      : { xAxis: { ...names, nameLocation: 'middle', nameGap: 26 }, yAxis: values }),
    ...(categories.length > MANY
      ? { dataZoom: [{ type: 'inside', [across ? 'yAxisIndex' : 'xAxisIndex']: 0, startValue: 0, endValue: MANY }] }
      : {}),
    tooltip: {
      ...tip,
      trigger: 'axis',
      axisPointer: { type: 'shadow' },
      formatter: (shown) => {
        const all = hovered<{ name: string; seriesName: string; value: number | null }>(shown)
        return told([
          all[0]?.name ?? '',
          ...all.map(({ seriesName, value }) => `${seriesName}: ${value == null ? '—' : figure(value, language)}`),
        ])
      },
    },
    series: series.map(({ name, values: data }, i) => ({
      type: 'bar',
      name,
      data,
      barMaxWidth: 34,
      itemStyle: { color: colour(i), borderColor: '#fff', borderWidth: stacked ? 1 : 0 },
      ...(stacked ? { stack: 'all' } : {}),
    })),
  }
}

function scatterOption({ table, spec, language, units }: Drawing): Option {
  const series = scatter(table, spec)
  return {
    ...base,
    legend: legend(series.length),
    grid: grid(series.length),
    xAxis: {
      ...valueAxis(spec.x, language),
      nameLocation: 'middle',
      nameGap: 26,
      axisLine: { lineStyle: { color: INK.axis } },
    },
    yAxis: valueAxis(spec.y[0] as string, language),
    tooltip: {
      ...tip,
      trigger: 'item',
      formatter: (shown) => {
        const [{ seriesName, value }] = hovered<{ seriesName: string; value: [number, number] }>(shown)
        return told([
          units.get(seriesName)?.short_name ?? seriesName,
          `${spec.x}: ${figure(value[0], language)}`,
          `${spec.y[0]}: ${figure(value[1], language)}`,
        ])
      },
    },
    series: series.map(({ name, points }, i) => ({
      type: 'scatter',
      name: units.get(name)?.short_name ?? name,
      data: points,
      symbol: mark(i),
      symbolSize: points.length > 500 ? 5 : 9,
      itemStyle: { color: colour(i), opacity: 0.8 },
    })),
  }
}
