/** Bubbles of equal size near the centroids of units, pushed apart until none overlap. The same units and box always
 * give the same picture. */

export type Place = { code: string; latitude: number; longitude: number }
export type Spot = { code: string; x: number; y: number }
export type Bubbles = { diameter: number; spots: Spot[] }

const FILLED = 0.42 // share of the box that bubbles cover: above 0.5 they stop looking like a map
const GAP = 0.06 // of a diameter
const ROUNDS = 600

/** `width` and `height` in one unit, `most` the largest diameter in it. Bubbles lie wholly inside the box. */
export function bubbles(places: readonly Place[], width: number, height: number, most: number): Bubbles {
  if (places.length === 0 || width <= 0 || height <= 0) return { diameter: 0, spots: [] }
  const diameter = Math.min(most, Math.sqrt((FILLED * width * height) / places.length), width, height)
  const spots = projected(places, width - diameter, height - diameter).map(({ code, x, y }) => ({
    code,
    x: x + diameter / 2,
    y: y + diameter / 2,
  }))
  const apart = diameter * (1 + GAP)
  for (let i = 0; i < ROUNDS && push(spots, apart); i += 1) keep(spots, diameter / 2, width, height)
  return { diameter, spots: centred(spots, width, height) }
}

/** North up, degrees of longitude shortened by the latitude, as large as the box allows, centred. */
function projected(places: readonly Place[], width: number, height: number): Spot[] {
  const mean = places.reduce((sum, place) => sum + place.latitude, 0) / places.length
  const shorten = Math.cos((mean * Math.PI) / 180)
  const flat = places.map(({ code, latitude, longitude }) => ({ code, x: longitude * shorten, y: -latitude }))
  const [left, right] = extent(flat.map(({ x }) => x))
  const [top, bottom] = extent(flat.map(({ y }) => y))
  const scale = Math.min(width / (right - left || 1e-9), height / (bottom - top || 1e-9), 1e9)
  return flat.map(({ code, x, y }) => ({
    code,
    x: (x - (left + right) / 2) * scale + width / 2,
    y: (y - (top + bottom) / 2) * scale + height / 2,
  }))
}

/** One round over all pairs; false when no two were too near. */
function push(spots: Spot[], apart: number): boolean {
  let moved = false
  for (const [i, a] of spots.entries()) {
    for (const [j, b] of spots.entries()) {
      if (j <= i) continue
      let dx = b.x - a.x
      let dy = b.y - a.y
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

function keep(spots: Spot[], radius: number, width: number, height: number): void {
  for (const spot of spots) {
    spot.x = Math.min(Math.max(spot.x, radius), width - radius)
    spot.y = Math.min(Math.max(spot.y, radius), height - radius)
  }
}

function centred(spots: Spot[], width: number, height: number): Spot[] {
  const [left, right] = extent(spots.map(({ x }) => x))
  const [top, bottom] = extent(spots.map(({ y }) => y))
  const dx = (width - left - right) / 2
  const dy = (height - top - bottom) / 2
  return spots.map(({ code, x, y }) => ({ code, x: round(x + dx), y: round(y + dy) }))
}

function extent(values: number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)]
}

const round = (value: number): number => Math.round(value * 100) / 100
