/** Bubbles of equal size near the centroids of units, pushed apart until none overlap, with what lies north of another
 * still north of it. The same units and box always give the same picture. */

import { splitFar, type Centroid } from './insets'
import { correlation } from './rank_correlation'

export type Spot = { code: string; x: number; y: number }
/** A frame around units that lie too far away to be drawn to scale: left, top, width, height. */
export type Inset = { x: number; y: number; width: number; height: number; codes: string[] }
export type Bubbles = { diameter: number; spots: Spot[]; insets: Inset[] }

type Box = { width: number; height: number }

const FILLED = 0.42 // share of the box that bubbles cover: above 0.5 they stop looking like a map
const GAP = 0.06 // of a diameter
const MARGIN = 0.3 // of a diameter: around the bubbles of an inset
const ROUNDS = 400
const ENOUGH = 0.95 // rank correlation with the true order; the pictures of less spreading look more like the map
const SPREADS = [0, 0.25, 0.5, 0.75, 1]

/** `width` and `height` in one unit, `most` the largest diameter in it. Bubbles lie wholly inside the box. */
export function bubbles(places: readonly Centroid[], width: number, height: number, most: number): Bubbles {
  if (places.length === 0 || width <= 0 || height <= 0) return { diameter: 0, spots: [], insets: [] }
  const diameter = Math.min(most, Math.sqrt((FILLED * width * height) / places.length), width, height)
  const { near, far } = splitFar(places)
  const framed = insets(near, far, { width, height }, diameter)
  const obstacles = framed.map(({ inset }) => inset)
  let best: Spot[] = []
  let bestOrder = -2
  for (const spread of SPREADS) {
    const spots = laidOut(near, { width, height }, diameter, obstacles, spread)
    const order = Math.min(
      correlation(
        near.map(({ latitude }) => -latitude),
        spots.map(({ y }) => y),
      ),
      correlation(
        near.map(({ longitude }) => longitude),
        spots.map(({ x }) => x),
      ),
    )
    if (order > bestOrder) [best, bestOrder] = [spots, order]
    if (order >= ENOUGH) break
  }
  return { diameter, spots: [...best, ...framed.flatMap(({ spots }) => spots)], insets: obstacles }
}

/** `spread` from 0 (to scale) to 1 (evenly by rank in both directions), which thins out crowded towns. */
function laidOut(
  places: readonly Centroid[],
  box: Box,
  diameter: number,
  obstacles: readonly Inset[],
  spread: number,
): Spot[] {
  const inner = { width: box.width - diameter, height: box.height - diameter }
  const spots = projected(places, inner, spread).map(({ code, x, y }) => ({
    code,
    x: x + diameter / 2,
    y: y + diameter / 2,
  }))
  const apart = diameter * (1 + GAP)
  for (let i = 0; i < ROUNDS && push(spots, apart); i += 1) keep(spots, diameter / 2, box, obstacles)
  return obstacles.length ? spots.map(rounded) : centred(spots, box)
}

/** North up, degrees of longitude shortened by the latitude, as large as the box allows, centred. */
function projected(places: readonly Centroid[], box: Box, spread: number): Spot[] {
  const mean = places.reduce((sum, place) => sum + place.latitude, 0) / places.length
  const shorten = Math.cos((mean * Math.PI) / 180)
  const east = places.map(({ longitude }) => longitude * shorten)
  const south = places.map(({ latitude }) => -latitude)
  const [left, right] = extent(east)
  const [top, bottom] = extent(south)
  const scale = Math.min(box.width / (right - left || 1e-9), box.height / (bottom - top || 1e-9), 1e9)
  // What is spread uses more of the box than the province's own shape does.
  const wide = mix((right - left) * scale, box.width, spread)
  const high = mix((bottom - top) * scale, box.height, spread)
  const across = along(east, left, right, wide, spread)
  const down = along(south, top, bottom, high, spread)
  return places.map(({ code }, i) => ({
    code,
    x: across[i]! + (box.width - wide) / 2,
    y: down[i]! + (box.height - high) / 2,
  }))
}

/** Positions in [0, size] in the order of `values`. */
function along(values: readonly number[], least: number, most: number, size: number, spread: number): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!)
  const rank = new Array<number>(values.length)
  order.forEach((of, i) => (rank[of] = values.length > 1 ? i / (values.length - 1) : 0.5))
  return values.map((value, i) => size * mix(most > least ? (value - least) / (most - least) : 0.5, rank[i]!, spread))
}

/** Far units by the corner in whose direction they lie, framed there, northernmost on top. */
function insets(
  near: readonly Centroid[],
  far: readonly Centroid[],
  box: Box,
  diameter: number,
): { inset: Inset; spots: Spot[] }[] {
  const middle = (of: (place: Centroid) => number): number =>
    near.reduce((sum, place) => sum + of(place), 0) / near.length
  const [latitude, longitude] = [middle((place) => place.latitude), middle((place) => place.longitude)]
  const corners = new Map<string, Centroid[]>()
  for (const place of far) {
    const corner = `${place.latitude < latitude ? 'south' : 'north'} ${place.longitude < longitude ? 'west' : 'east'}`
    corners.set(corner, [...(corners.get(corner) ?? []), place])
  }
  return [...corners].map(([corner, places]) => {
    const pad = diameter * MARGIN
    const [width, height] = [diameter + 2 * pad, places.length * diameter * (1 + GAP) + 2 * pad]
    const x = corner.endsWith('east') ? box.width - width : 0
    const y = corner.startsWith('south') ? box.height - height : 0
    const sorted = [...places].sort((a, b) => b.latitude - a.latitude)
    const spots = sorted.map(({ code }, i) => ({
      code,
      x: round(x + width / 2),
      y: round(y + pad + diameter * (1 + GAP) * (i + 0.5)),
    }))
    return { inset: { x: round(x), y: round(y), width, height, codes: sorted.map(({ code }) => code) }, spots }
  })
}

/** One round over all pairs; false when no two were too near. */
function push(spots: Spot[], apart: number): boolean {
  let moved = false
  for (const [i, a] of spots.entries()) {
    for (const [j, b] of spots.entries()) {
      if (j <= i) continue
      let dx = b.x - a.x
      let dy = b.y - a.y
      if (Math.abs(dx) >= apart || Math.abs(dy) >= apart) continue
      let away = Math.hypot(dx, dy)
      if (away >= apart) continue
      // Two units at one place part along a direction that differs from pair to pair.
      if (away < 1e-6) [dx, dy, away] = [Math.cos(i + j), Math.sin(i + j), 1]
      const shift = (apart - Math.hypot(b.x - a.x, b.y - a.y)) / 2 + apart * 1e-3
      a.x -= (dx / away) * shift
      a.y -= (dy / away) * shift
      b.x += (dx / away) * shift
      b.y += (dy / away) * shift
      moved = true
    }
  }
  return moved
}

/** Inside the box, and outside the frames. */
function keep(spots: Spot[], radius: number, box: Box, obstacles: readonly Inset[]): void {
  for (const spot of spots) {
    for (const { x, y, width, height } of obstacles) {
      const right = x === 0 // the frame stands in a left corner
      const below = y === 0
      const over = right ? x + width + radius - spot.x : spot.x - (x - radius)
      const deep = below ? y + height + radius - spot.y : spot.y - (y - radius)
      if (over <= 0 || deep <= 0) continue
      if (over < deep) spot.x += right ? over : -over
      else spot.y += below ? deep : -deep
    }
    spot.x = Math.min(Math.max(spot.x, radius), box.width - radius)
    spot.y = Math.min(Math.max(spot.y, radius), box.height - radius)
  }
}

function centred(spots: Spot[], { width, height }: Box): Spot[] {
  const [left, right] = extent(spots.map(({ x }) => x))
  const [top, bottom] = extent(spots.map(({ y }) => y))
  const dx = (width - left - right) / 2
  const dy = (height - top - bottom) / 2
  return spots.map(({ code, x, y }) => rounded({ code, x: x + dx, y: y + dy }))
}

function extent(values: number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)]
}

const mix = (from: number, to: number, share: number): number => from + (to - from) * share
const round = (value: number): number => Math.round(value * 100) / 100
const rounded = ({ code, x, y }: Spot): Spot => ({ code, x: round(x), y: round(y) })
