/** The self-audit's charts and judgements, after ISA-18.2 and EEMUA 191. */

import { local_ms, shadedArea, timeAxis, valueAxis } from '../../../lib/charts/axes'
import type { Option } from '../../../lib/charts/echarts_parts'
import { base, INK } from '../../../lib/charts/style'
import { number } from '../../../lib/format/numbers'
import type { Language, Say } from '../../../lib/i18n'
import type { Audit, Fired } from '../shapes'

export const MINUTE_MS = 60_000
export const WINDOW_MS = 10 * MINUTE_MS
/** A flood begins above this many alerts of an operator in ten minutes, and ends below five. */
export const FLOOD_FROM = 10

export type Judgement = 'good' | 'watch' | 'bad'
/** Limits of EEMUA 191 for one operator: what is good at most, and what cannot be managed any more. */
const LIMITS = {
  per_window: [1, 2],
  per_day: [150, 300],
  busiest_window: [10, 20],
  flood_share: [0.01, 0.05],
  stale: [0, 5],
  chattering: [0, 3],
} as const
export type Figure = keyof typeof LIMITS

export function judged(figure: Figure, value: number): Judgement {
  const [good, bad] = LIMITS[figure]
  return value <= good ? 'good' : value <= bad ? 'watch' : 'bad'
}

/** How many fired in each stretch of `width_ms` from `from_ms` on; the last may be shorter. */
export function buckets(times_ms: readonly number[], from_ms: number, to_ms: number, width_ms: number): number[] {
  const counts = new Array<number>(Math.max(1, Math.ceil((to_ms - from_ms) / width_ms))).fill(0)
  for (const time of times_ms) {
    const place = Math.floor((time - from_ms) / width_ms)
    if (place >= 0 && place < counts.length) counts[place] = (counts[place] ?? 0) + 1
  }
  return counts
}

/** Ten minutes for a day, hours for weeks, days beyond: at most some two hundred bars. */
export function width_ms(from_ms: number, to_ms: number): number {
  const length = to_ms - from_ms
  return [WINDOW_MS, 60 * MINUTE_MS, 6 * 60 * MINUTE_MS].find((width) => length / width <= 200) ?? 1440 * MINUTE_MS
}

type Told = { zone: string; language: Language; say: Say }

/** Alerts over time, floods shaded. */
export function loadOption(fired: readonly Fired[], audit: Audit, { zone, language, say }: Told): Option {
  const [from_ms, to_ms] = [Date.parse(audit.from), Date.parse(audit.to)]
  const width = width_ms(from_ms, to_ms)
  const counts = buckets(
    fired.map(({ fired_at }) => Date.parse(fired_at)),
    from_ms,
    to_ms,
    width,
  )
  return {
    ...base,
    grid: { left: 8, right: 14, top: 26, bottom: 4, containLabel: true },
    xAxis: timeAxis(from_ms, to_ms, zone),
    yAxis: {
      ...valueAxis(say('au.alerts_per', { minutes: number(width / MINUTE_MS, 0, language) })),
      axisLabel: { color: INK.text },
      minInterval: 1,
    },
    tooltip: { trigger: 'axis', confine: true, transitionDuration: 0, axisPointer: { type: 'shadow' } },
    series: [
      {
        type: 'bar',
        name: say('au.alerts'),
        barMaxWidth: 14,
        itemStyle: { color: INK.bar },
        data: counts.map((n, i) => [local_ms(from_ms + (i + 0.5) * width, zone), n]),
        ...(width === WINDOW_MS
          ? {
              markLine: {
                silent: true,
                symbol: 'none',
                data: [
                  {
                    yAxis: FLOOD_FROM,
                    lineStyle: { color: INK.critical, type: 'dashed' as const },
                    label: {
                      formatter: say('au.flood_from', { n: FLOOD_FROM }),
                      position: 'insideEndTop' as const,
                      color: INK.critical,
                      fontSize: 12,
                    },
                  },
                ],
              },
            }
          : {}),
        markArea: {
          silent: true,
          itemStyle: { color: INK.flood },
          data: audit.floods.map((flood) => shadedArea(flood.from_ms, flood.until_ms ?? to_ms, zone)),
        },
      },
    ],
  }
}

export const MIX = ['critical', 'high', 'lower'] as const
export const MIX_GOAL: Readonly<Record<(typeof MIX)[number], number>> = { critical: 0.05, high: 0.15, lower: 0.8 }

/** The share of each priority beside what it should be. */
export function mixOption({ mix }: Audit, { language, say }: Told): Option {
  const percent = (share: number): string => `${number(share * 100, 0, language)} %`
  const bars = (name: string, color: string, share: (which: (typeof MIX)[number]) => number) => ({
    type: 'bar' as const,
    name,
    barMaxWidth: 16,
    itemStyle: { color },
    data: MIX.map(share),
    label: {
      show: true,
      position: 'right' as const,
      color: INK.text,
      formatter: ({ value }: { value?: unknown }) => percent(Number(value)),
    },
  })
  return {
    ...base,
    grid: { left: 8, right: 48, top: 6, bottom: 4, containLabel: true },
    xAxis: {
      type: 'value',
      max: 1,
      splitNumber: 4,
      axisLabel: { color: INK.text, hideOverlap: true, formatter: percent },
      splitLine: { lineStyle: { color: INK.rule } },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: MIX.map((which) => say(`au.mix_${which}`)),
      axisLabel: { color: INK.text },
      axisTick: { show: false },
      axisLine: { lineStyle: { color: INK.axis } },
    },
    tooltip: {
      trigger: 'axis',
      confine: true,
      transitionDuration: 0,
      axisPointer: { type: 'shadow' },
      valueFormatter: (value) => percent(Number(value)),
    },
    series: [
      bars(say('au.measured'), INK.line, (which) => mix[which] ?? 0),
      bars(say('au.goal'), INK.goal, (which) => MIX_GOAL[which]),
    ],
  }
}
