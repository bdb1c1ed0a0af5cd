/** Where a value stands: its band, its targets by year, the constants in force. */

import { distance, type Distance } from '../../lib/kpi_values/target'
import type { Target } from '../../lib/live/messages'
import type { Band, Constant, ConstantValue } from '../../lib/kpi_values/shapes'

/** The first band that holds; bands are descending, the last has no bound. Sums of shares are taken to nine digits. */
export function bandOf(value: number, bands: readonly Band[]): Band | null {
  const rounded = Number(value.toFixed(9))
  return (
    bands.find(({ at_least, over }) => {
      if (at_least != null) return rounded >= at_least
      return over == null || rounded > over
    }) ?? null
  )
}

export type YearTarget = { target: Target; distance: Distance | null; present: boolean }

/** Every year's target with the distance of the present value to it; the year that is running is marked. */
export function byYear(targets: readonly Target[], value: number | null, year: number): YearTarget[] {
  return targets.map((target) => ({
    target,
    distance: value === null ? null : distance(value, target),
    present: target.year === year,
  }))
}

/** What a constant is on a day (ISO, in the province's zone). */
export function inForce(constant: Constant, day: string): ConstantValue | null {
  const held = constant.values.filter(({ from }) => from <= day).at(-1)
  return held && (held.until == null || day < held.until) ? held : null
}
