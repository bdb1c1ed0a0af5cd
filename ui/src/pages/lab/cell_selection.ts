/** Moving about in a table of any length by keys, and which of its rows are in sight. */

export type Spot = { row: number; column: number }
export type Selection = { at: Spot; from: Spot }
export type Area = { top: number; bottom: number; left: number; right: number }
export type Extent = { rows: number; columns: number; page: number }

/** Where a key leads; null for a key that leads nowhere. With shift the far corner stays. */
export function moved(
  { at, from }: Selection,
  key: string,
  { shift, ctrl }: { shift: boolean; ctrl: boolean },
  { rows, columns, page }: Extent,
): Selection | null {
  const steps: Record<string, Spot> = {
    ArrowUp: { row: ctrl ? -rows : -1, column: 0 },
    ArrowDown: { row: ctrl ? rows : 1, column: 0 },
    ArrowLeft: { row: 0, column: ctrl ? -columns : -1 },
    ArrowRight: { row: 0, column: ctrl ? columns : 1 },
    PageUp: { row: -page, column: 0 },
    PageDown: { row: page, column: 0 },
    Home: { row: ctrl ? -rows : 0, column: -columns },
    End: { row: ctrl ? rows : 0, column: columns },
  }
  const step = steps[key]
  if (!step || rows === 0 || columns === 0) return null
  const next = { row: within(at.row + step.row, rows), column: within(at.column + step.column, columns) }
  return { at: next, from: shift ? from : next }
}

const within = (place: number, n: number): number => Math.min(Math.max(place, 0), n - 1)

export function area({ at, from }: Selection): Area {
  return {
    top: Math.min(at.row, from.row),
    bottom: Math.max(at.row, from.row),
    left: Math.min(at.column, from.column),
    right: Math.max(at.column, from.column),
  }
}

export const holds = ({ top, bottom, left, right }: Area, row: number, column: number): boolean =>
  row >= top && row <= bottom && column >= left && column <= right

/** The rows in sight, some more at either end so that scrolling shows no empty place: half-open. */
export function inSight(
  scrolled_px: number,
  height_px: number,
  row_px: number,
  rows: number,
  spare = 12,
): { first: number; end: number } {
  const first = Math.max(0, Math.floor(scrolled_px / row_px) - spare)
  return { first: Math.min(first, rows), end: Math.min(rows, Math.ceil((scrolled_px + height_px) / row_px) + spare) }
}

/** How far to scroll so that a row is wholly in sight; the head covers the top. */
export function scrollTo(row: number, scrolled_px: number, height_px: number, row_px: number): number {
  const top = row * row_px
  if (top < scrolled_px) return top
  return Math.max(scrolled_px, top + row_px - height_px)
}
