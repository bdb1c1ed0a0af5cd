/** The path that the centre lies below, such as /ioc behind a proxy: scripts lie in `assets` of it. '' at the root. */

export function baseOf(script: string): string {
  const path = new URL(script).pathname
  const end = path.lastIndexOf('/assets/')
  return end < 0 ? '' : path.slice(0, end)
}

export const BASE = baseOf(import.meta.url)

/** An address of the centre as the browser needs it; one that is so already stays. */
export function at(path: string, base = BASE): string {
  return isBelow(path, base) ? path : base + path
}

/** A path of the browser as the centre's pages know it. */
export function inside(path: string, base = BASE): string {
  return base && isBelow(path, base) ? path.slice(base.length) || '/' : path
}

function isBelow(path: string, base: string): boolean {
  return base === '' || (path.startsWith(base) && /^($|[/?#])/.test(path.slice(base.length)))
}
