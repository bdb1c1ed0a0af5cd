/** Units that lie so far from the others (an island 300 km offshore) that a map to scale would shrink all else. */

/** A unit by its centroid, in degrees. */
export type Centroid = { code: string; latitude: number; longitude: number }

const GAP = 0.2 // of the whole extent: the empty stretch that sets units apart
const FEW = 0.1 // of all units: at most so many are set apart at a time

/** Split off what an empty stretch of more than a fifth of the north-south or east-west extent sets apart. Both parts
 * keep the order of `places`. */
export function splitFar(places: readonly Centroid[]): { near: Centroid[]; far: Centroid[] } {
  let near = [...places]
  for (;;) {
    const apart = new Set(
      ([({ latitude }) => latitude, ({ longitude }) => longitude] as ((place: Centroid) => number)[]).flatMap((of) =>
        beyondGap(near, of),
      ),
    )
    if (apart.size === 0) break
    near = near.filter((place) => !apart.has(place))
  }
  const kept = new Set(near)
  return { near, far: places.filter((place) => !kept.has(place)) }
}

function beyondGap(places: readonly Centroid[], of: (place: Centroid) => number): Centroid[] {
  const sorted = [...places].sort((a, b) => of(a) - of(b))
  const few = Math.floor(FEW * sorted.length)
  const extent = of(sorted[sorted.length - 1]!) - of(sorted[0]!)
  for (let n = few; n >= 1; n -= 1) {
    const last = sorted.length - n
    if (of(sorted[n]!) - of(sorted[n - 1]!) > GAP * extent) return sorted.slice(0, n)
    if (of(sorted[last]!) - of(sorted[last - 1]!) > GAP * extent) return sorted.slice(last)
  }
  return []
}
