/** The parts of ECharts that the console uses, loaded when its first chart is drawn. */

import { BarChart, LineChart, type BarSeriesOption, type LineSeriesOption } from 'echarts/charts'
import {
  AriaComponent,
  GridComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
  type GridComponentOption,
  type TooltipComponentOption,
} from 'echarts/components'
import { init, use, type ComposeOption, type EChartsType } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'

use([
  LineChart,
  BarChart,
  GridComponent,
  TooltipComponent,
  MarkLineComponent,
  MarkAreaComponent,
  AriaComponent,
  CanvasRenderer,
])

export type Option = ComposeOption<LineSeriesOption | BarSeriesOption | GridComponentOption | TooltipComponentOption>
export type { EChartsType }
export { init }

export const INK = {
  line: '#1f5fa8',
  text: '#4a5763',
  rule: '#e2e6eb',
  edge: '#7d8894',
  high: '#a34600',
  critical: '#b3102a',
  bar: '#6d8fb8',
  shade: 'rgba(163, 70, 0, 0.14)',
  flood: 'rgba(179, 16, 42, 0.12)',
}
export const FONT = "'Inter Variable', sans-serif"
