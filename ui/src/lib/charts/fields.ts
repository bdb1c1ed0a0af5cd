/** A value for each place: heat by unit and hour, bubbles of communes. */

import { bubbles } from '../map/bubbles'
import { labelling, type Drawing, type Size } from './drawing'
import type { Option } from './echarts_parts'
import { byUnit, heat } from './series'
import { base, figure, FONT, hovered, INK, nameOf, tip, told } from './style'

const LEGEND = 110
const MANY_ROWS = 16
const ROOM = 30 // px of a bubble that a figure fits into

function scale(least: number, most: number, language: Drawing['language']): object {
  return {
    type: 'continuous',
    min: least,
    max: most === least ? least + 1 : most,
    calculable: false,
    orient: 'vertical',
    right: 4,
    top: 'middle',
    itemHeight: 180,
    itemWidth: 12,
    text: [figure(most, language), figure(least, language)],
    textStyle: { color: INK.text, fontFamily: FONT },
    inRange: { color: [INK.least, '#7fb0dd', '#2f78c0', INK.most] },
  }
}

/** What the colours measure, above their scale. */
const titled = (text: string | undefined): object => ({
  text,
  right: 4,
  top: 0,
  textStyle: {
    color: INK.text,
    fontFamily: FONT,
    fontSize: 12,
    fontWeight: 600,
    width: LEGEND - 8,
    overflow: 'truncate',
  },
})

export function heatOption(drawing: Drawing): Option {
  const { table, spec, language } = drawing
  const { columns, rows, cells, least, most } = heat(table, spec, labelling(drawing))
  const category = {
    type: 'category' as const,
    axisLine: { lineStyle: { color: INK.axis } },
    axisLabel: { color: INK.text, hideOverlap: true },
  }
  return {
    ...base,
    title: titled(spec.y[0]),
    // Of many rows the lower ones are scrolled to: the axis stays in sight above them.
    grid: {
      left: 16,
      right: 116,
      top: rows.length > MANY_ROWS ? 50 : 30,
      bottom: rows.length > MANY_ROWS ? 8 : 30,
      containLabel: true,
    },
    xAxis: {
      ...category,
      data: columns,
      ...nameOf(spec.x),
      nameLocation: 'middle',
      nameGap: 28,
      position: rows.length > MANY_ROWS ? 'top' : 'bottom',
    },
    yAxis: {
      ...category,
      data: rows,
      inverse: true,
      ...(rows.length > MANY_ROWS ? {} : { ...nameOf(spec.by), nameLocation: 'start' }),
    },
    visualMap: { ...scale(least, most, language), dimension: 2 },
    tooltip: {
      ...tip,
      formatter: (shown) => {
        const [{ value }] = hovered<{ value: [number, number, number] }>(shown)
        return told([
          rows[value[1]] ?? '',
          `${spec.x}: ${columns[value[0]]}`,
          `${spec.y[0]}: ${figure(value[2], language)}`,
        ])
      },
    },
    series: [
      {
        type: 'heatmap',
        data: cells,
        itemStyle: { borderColor: '#fff', borderWidth: 1 },
        emphasis: { itemStyle: { borderColor: INK.strong } },
      },
    ],
  }
}

/** Every commune has its bubble, hollow where the result says nothing of it: colour and size both grow with the
 * value. */
export function mapOption({ table, spec, language, units }: Drawing, { width, height }: Size): Option {
  const values = byUnit(table, spec)
  const unitsShown = [...values.keys()].map((code) => units.get(code)).filter((unit) => unit !== undefined)
  const level = unitsShown.find((unit) => unit.parent)?.kind
  const kinds = new Set(unitsShown.map(({ kind }) => kind))
  const places = [...units.values()].flatMap((unit) =>
    unit.parent &&
    unit.latitude !== null &&
    unit.longitude !== null &&
    (values.has(unit.code) || (level !== undefined && kinds.has(unit.kind)))
      ? [{ code: unit.code, latitude: unit.latitude, longitude: unit.longitude }]
      : [],
  )
  const box = { width: Math.max(80, width - LEGEND - 24), height: Math.max(80, height - 16) }
  const { diameter, spots } = bubbles(places, box.width, box.height, 54)
  const shown = spots.flatMap(({ code }) => values.get(code) ?? [])
  const [least, most] = [Math.min(...shown), Math.max(...shown)]
  const size = (value: number | undefined): number =>
    value === undefined ? diameter * 0.4 : diameter * (0.55 + 0.45 * share(value))
  const share = (value: number): number => (most > least ? (value - least) / (most - least) : 1)
  const inside = (value: number | undefined): object =>
    value !== undefined && size(value) >= ROOM
      ? {
          label: {
            show: true,
            formatter: figure(value, language),
            color: share(value) > 0.4 ? '#fff' : INK.strong,
            fontFamily: FONT,
            fontSize: 11,
          },
        }
      : {}
  const hidden = { type: 'value' as const, show: false, min: 0 }
  const data = spots.map(({ code, x, y }) => {
    const value = values.get(code)
    const hollow = { color: '#fff', borderColor: INK.axis, borderWidth: 1.5 }
    return {
      name: units.get(code)?.short_name ?? code,
      value: [x, y, value ?? NaN],
      symbolSize: size(value),
      ...inside(value),
      ...(value === undefined ? { itemStyle: hollow, visualMap: false } : {}),
    }
  })
  return {
    ...base,
    title: titled(spec.y[0]),
    grid: { left: 8, top: 8, width: box.width, height: box.height },
    xAxis: { ...hidden, max: box.width },
    yAxis: { ...hidden, max: box.height, inverse: true },
    ...(shown.length > 0 ? { visualMap: { ...scale(least, most, language), dimension: 2 } } : {}),
    tooltip: {
      ...tip,
      formatter: (parameters) => {
        const [{ name, value }] = hovered<{ name: string; value: [number, number, number] }>(parameters)
        return told([name, `${spec.y[0]}: ${Number.isNaN(value[2]) ? '—' : figure(value[2], language)}`])
      },
    },
    series: [
      {
        type: 'scatter',
        data,
        itemStyle: { borderColor: '#fff', borderWidth: 1 },
        emphasis: { scale: false, itemStyle: { borderColor: INK.strong, borderWidth: 2 } },
      },
    ],
  }
}
