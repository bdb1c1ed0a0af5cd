/** Search as people type it: without diacritics, in any case. "ho so" finds "Hồ sơ", "đ" is "d". */

export function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('đ', 'd')
}

/** Every word of `wanted` is somewhere in `text`; an empty search finds everything. */
export function finds(text: string, wanted: string): boolean {
  return findsFolded(fold(text), wanted)
}

/** As `finds`, of a text that is folded already: folding is what a search through a long list costs. */
export function findsFolded(folded: string, wanted: string): boolean {
  return fold(wanted)
    .split(/\s+/)
    .every((word) => folded.includes(word))
}
