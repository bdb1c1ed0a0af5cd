/** At most one call each `every_ms`, the first at once, none lost: data may come as fast as it likes. */
export function paced(paint: () => void, every_ms: number): () => void {
  let last = -Infinity
  let waiting = false
  const run = (): void => {
    waiting = false
    last = performance.now()
    paint()
  }
  return () => {
    if (waiting) return
    const wait = last + every_ms - performance.now()
    if (wait <= 0) run()
    else {
      waiting = true
      setTimeout(run, wait)
    }
  }
}
