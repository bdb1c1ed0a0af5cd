/** The condition of a rule as a form shows it. The fields, as TOML names them, stay the only truth: whatever the form
 * does not know remains as it was written. */

import type { Fields } from '../shapes'

export type Written = Record<string, unknown>

export const KINDS = [
  'limits',
  'change',
  'deviation',
  'missing',
  'stale',
  'insufficient',
  'target_missed',
  'all',
  'any',
] as const
export type Kind = (typeof KINDS)[number]

export const WAYS = ['above', 'below', 'outside'] as const
export type Way = (typeof WAYS)[number]

const LIMITS = ['fires_above', 'fires_below', 'fires_outside', 'clears_below', 'clears_above', 'clears_inside']
const OWN = [...LIMITS, ...KINDS.filter((kind) => kind !== 'limits')]

export function kindOf(fields: Fields): Kind {
  return KINDS.find((kind) => kind !== 'limits' && fields[kind] !== undefined) ?? 'limits'
}

export const isGroup = (kind: Kind): kind is 'all' | 'any' => kind === 'all' || kind === 'any'

/** Where the limits of a condition stand: in itself, or in its table `change` or `deviation`. */
export function limitsPlace(fields: Written): Written {
  const kind = kindOf(fields)
  return kind === 'change' || kind === 'deviation' ? table(fields, kind) : fields
}

export function members(fields: Written): Written[] {
  const kind = kindOf(fields)
  const listed = isGroup(kind) ? fields[kind] : []
  return Array.isArray(listed) ? (listed as Written[]) : []
}

/** The condition becomes one of another kind. Limits move along; a single condition becomes the first of a group, and
 * the first of a group becomes the condition. */
export function withKind(fields: Written, kind: Kind): Written {
  const before = kindOf(fields)
  if (before === kind) return fields
  const rest = Object.fromEntries(Object.entries(fields).filter(([name]) => !OWN.includes(name)))
  if (isGroup(kind)) {
    const listed = isGroup(before) ? members(fields) : [pick(fields, OWN), { missing: true }]
    return { ...rest, [kind]: listed }
  }
  if (isGroup(before)) {
    const [first = {}] = members(fields)
    return withKind({ ...rest, ...first }, kind)
  }
  const limits = pick(limitsPlace(fields), LIMITS)
  if (kind === 'limits') return { ...rest, ...(Object.keys(limits).length ? limits : { fires_above: '' }) }
  if (kind === 'change') return { ...rest, change: { over: '1h', ...limits } }
  if (kind === 'deviation')
    return { ...rest, deviation: { weeks: 4, ...(before === 'limits' ? { fires_above: 4 } : limits) } }
  return { ...rest, [kind]: true }
}

export function wayOf(place: Written): Way {
  if (place['fires_outside'] !== undefined) return 'outside'
  if (place['fires_below'] !== undefined) return place['fires_above'] !== undefined ? 'outside' : 'below'
  return 'above'
}

export type Side = 'fires_low' | 'fires_high' | 'clears_low' | 'clears_high'
/** Of each side: the field on its own, the field of the band, the place in it. */
const SIDES: Record<Side, [string, string, 0 | 1]> = {
  fires_low: ['fires_below', 'fires_outside', 0],
  fires_high: ['fires_above', 'fires_outside', 1],
  clears_low: ['clears_above', 'clears_inside', 0],
  clears_high: ['clears_below', 'clears_inside', 1],
}

export const SIDES_OF: Record<Way, Side[]> = {
  above: ['fires_high', 'clears_high'],
  below: ['fires_low', 'clears_low'],
  outside: ['fires_low', 'fires_high', 'clears_low', 'clears_high'],
}

/** The field that a side is written in, for its faults. */
export function fieldOf(place: Written, side: Side): string {
  const [own, band] = SIDES[side]
  const isBand = place['fires_outside'] !== undefined
  return isBand ? band : own
}

export function sideOf(place: Written, side: Side): unknown {
  const [own, band, at] = SIDES[side]
  const listed = place[band]
  return Array.isArray(listed) ? listed[at] : place[own]
}

/** `value` undefined leaves it out. A band keeps both of its places as long as one is written. */
export function withSide(place: Written, side: Side, value: unknown): Written {
  const [own, band, at] = SIDES[side]
  if (place['fires_outside'] === undefined) return without({ ...place, [own]: value })
  const listed = Array.isArray(place[band]) ? [...(place[band] as unknown[])] : ['', '']
  listed[at] = value ?? ''
  return without({
    ...place,
    [band]: listed.every((each) => each === '') && band === 'clears_inside' ? undefined : listed,
  })
}

/** The same figures, seen from another side: the firing limit stays the firing limit. */
export function withWay(place: Written, way: Way): Written {
  if (wayOf(place) === way) return place
  const fires = sideOf(place, 'fires_high') ?? sideOf(place, 'fires_low') ?? ''
  const rest = Object.fromEntries(Object.entries(place).filter(([name]) => !LIMITS.includes(name)))
  if (way === 'above') return { ...rest, fires_above: fires }
  if (way === 'below') return { ...rest, fires_below: fires }
  return { ...rest, fires_outside: ['', fires] }
}

/** Of a condition, or of a rule: without what is undefined. */
export function without(fields: Written): Written {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function table(fields: Written, name: string): Written {
  const found = fields[name]
  return found !== null && typeof found === 'object' && !Array.isArray(found) ? (found as Written) : {}
}

function pick(fields: Written, names: readonly string[]): Written {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)))
}

/** Every KPI that the rule speaks of, the first first. */
export function kpisOf(fields: Fields): string[] {
  const own = typeof fields['kpi'] === 'string' && fields['kpi'] ? [fields['kpi']] : []
  return [...new Set([...own, ...members(fields as Written).flatMap(kpisOf)])]
}
