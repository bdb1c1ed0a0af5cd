/** The parts of ECharts that charts of results use, loaded with the first of them. */

import { BarChart, HeatmapChart, LineChart, ScatterChart } from 'echarts/charts'
import type { BarSeriesOption, HeatmapSeriesOption, LineSeriesOption, ScatterSeriesOption } from 'echarts/charts'
import {
  AriaComponent,
  DataZoomInsideComponent,
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TitleComponent,
  TooltipComponent,
  VisualMapComponent,
} from 'echarts/components'
import type {
  GridComponentOption,
  LegendComponentOption,
  TitleComponentOption,
  TooltipComponentOption,
  VisualMapComponentOption,
} from 'echarts/components'
import { connect, init, use, type ComposeOption, type EChartsType } from 'echarts/core'
import { CanvasRenderer, SVGRenderer } from 'echarts/renderers'

use([LineChart, BarChart, HeatmapChart, ScatterChart])
use([GridComponent, TitleComponent, TooltipComponent, LegendComponent, VisualMapComponent, DataZoomInsideComponent])
use([MarkLineComponent, MarkAreaComponent, AriaComponent, CanvasRenderer, SVGRenderer])

export type Option = ComposeOption<
  | LineSeriesOption
  | BarSeriesOption
  | HeatmapSeriesOption
  | ScatterSeriesOption
  | GridComponentOption
  | TitleComponentOption
  | TooltipComponentOption
  | LegendComponentOption
  | VisualMapComponentOption
>
export type { EChartsType }
export { connect, init }
