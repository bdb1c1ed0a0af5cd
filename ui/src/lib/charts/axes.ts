/** Axes that charts over time share. */

import { timeLabels } from '../format/axis'
import { zoneOffset_ms } from '../format/times'
import { INK } from './style'

/** Move a time so that ECharts, which places times in UTC, shows the clock and the days of `zone`. */
export const local_ms = (time_ms: number, zone: string): number => time_ms + zoneOffset_ms(time_ms, zone)

/** A time axis from `from_ms` to `to_ms` in the clock of `zone`. */
export function timeAxis(from_ms: number, to_ms: number, zone: string) {
  return {
    type: 'time' as const,
    min: local_ms(from_ms, zone),
    max: local_ms(to_ms, zone),
    axisLine: { lineStyle: { color: INK.axis } },
    axisLabel: { color: INK.text, hideOverlap: true, formatter: timeLabels(from_ms, to_ms) },
    splitLine: { show: false },
  }
}

/** A value axis with its name above it. */
export function valueAxis(name: string) {
  return {
    type: 'value' as const,
    name,
    nameTextStyle: { color: INK.text, align: 'left' as const, padding: [0, 0, 0, -20] },
    axisLabel: { color: INK.text, showMinLabel: false, showMaxLabel: false },
    splitLine: { lineStyle: { color: INK.rule } },
  }
}

/** A horizontal line at `at` with its label on the line; dotted or dashed. */
export function ruledLine(
  at: number,
  label: { text: string; position: 'insideStartTop' | 'insideEndTop' | 'insideEndBottom' },
  color: string,
  dash: 'dashed' | 'dotted',
) {
  return {
    yAxis: at,
    lineStyle: { color, type: dash, width: 1.5 },
    label: {
      formatter: label.text,
      position: label.position,
      color,
      backgroundColor: '#fff',
      padding: [0, 3],
      fontSize: 12,
    },
  }
}

/** A shaded stretch of a time axis in the clock of `zone`. */
export const shadedArea = (from_ms: number, to_ms: number, zone: string): [{ xAxis: number }, { xAxis: number }] => [
  { xAxis: local_ms(from_ms, zone) },
  { xAxis: local_ms(to_ms, zone) },
]
