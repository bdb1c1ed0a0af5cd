/** How many tiles stand in a row: two up to eight tiles, else three, on a grid of six columns. */

const COLUMNS = 6
export const FEW_TILES = 8

/** Columns that each tile takes. Where the last row would have holes, the first rows hold fewer and wider tiles. */
export function tileSpans(tiles: number): number[] {
  const across = tiles > FEW_TILES ? 3 : 2
  const rows = Math.ceil(tiles / across)
  const holes = rows * across - tiles
  const inRow = Array.from({ length: rows }, (_, row) => across - Math.floor((holes + rows - 1 - row) / rows))
  return inRow.flatMap((count) => Array.from({ length: count }, () => COLUMNS / count))
}
