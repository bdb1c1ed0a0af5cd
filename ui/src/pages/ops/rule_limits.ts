/** The limits of a rule, from its fields: those of the first condition that has any about the KPI's own value. */

import type { Fields, Limits } from './shapes'

export const NO_LIMITS: Limits = { fires_above: null, fires_below: null, clears_below: null, clears_above: null }

export function limitsOf(fields: Fields | null): Limits {
  if (fields === null) return NO_LIMITS
  for (const group of ['all', 'any']) {
    const [first] = (fields[group] as Fields[] | undefined) ?? []
    if (first) return limitsOf(first)
  }
  const number = (name: string): number | null => (typeof fields[name] === 'number' ? (fields[name] as number) : null)
  const band = (name: string): [number | null, number | null] =>
    Array.isArray(fields[name]) ? (fields[name] as [number, number]) : [null, null]
  const [low, high] = band('fires_outside')
  const [clearsLow, clearsHigh] = band('clears_inside')
  return {
    fires_above: number('fires_above') ?? high,
    fires_below: number('fires_below') ?? low,
    clears_below: number('clears_below') ?? clearsHigh,
    clears_above: number('clears_above') ?? clearsLow,
  }
}
