/** Spearman's rank correlation of two series of one length; 1 where both have one value or none. */
export function correlation(a: readonly number[], b: readonly number[]): number {
  if (a.length < 2) return 1
  const [first, second] = [ranks(a), ranks(b)]
  const mean = (a.length - 1) / 2
  let together = 0
  let squareOfFirst = 0
  let squareOfSecond = 0
  first.forEach((rank, i) => {
    together += (rank - mean) * (second[i]! - mean)
    squareOfFirst += (rank - mean) ** 2
    squareOfSecond += (second[i]! - mean) ** 2
  })
  return squareOfFirst && squareOfSecond ? together / Math.sqrt(squareOfFirst * squareOfSecond) : 1
}

/** From 0; equal values share their mean rank. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!)
  const found = new Array<number>(values.length)
  for (let i = 0; i < order.length;) {
    let j = i
    while (j < order.length && values[order[j]!] === values[order[i]!]) j += 1
    for (let k = i; k < j; k += 1) found[order[k]!] = (i + j - 1) / 2
    i = j
  }
  return found
}
