/** Layout of the sources: which file imports which, and what must not be. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'

/** Imported files by the file that imports them; paths relative to `src`, with `/`. */
export type Imports = ReadonlyMap<string, readonly string[]>

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)['"]/g
const ENDINGS = ['', '.ts', '.d.ts', '/index.ts']

/** Read all imports below `source`. Throws for an import of a file that does not exist. */
export function importsBelow(source: string): Imports {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(ts|svelte)$/.test(name))
  return new Map(
    files.map((file) => [
      file.split(sep).join('/'),
      [...readFileSync(join(source, file), 'utf8').matchAll(IMPORT)].map(([, path]) =>
        found(source, file, path as string),
      ),
    ]),
  )
}

function found(source: string, file: string, path: string): string {
  const wanted = join(source, dirname(file), path)
  const ending = ENDINGS.find((one) => existsSync(wanted + one) && /\.\w+$/.test(wanted + one))
  if (ending === undefined) throw new Error(`${file} imports ${path}, which does not exist.`)
  return relative(source, wanted + ending)
    .split(sep)
    .join('/')
}

/** The centre's texts, which the pages share with it. */
const CENTRE_TEXTS = '../../ioc/messages/'

/** Imports that the layers do not allow: a page imports lib and texts, lib imports lib and texts, main.ts anything. */
export function forbidden(imports: Imports): string[] {
  return [...imports].flatMap(([file, targets]) =>
    targets.filter((target) => !isAllowed(file, target)).map((target) => `${file} imports ${target}`),
  )
}

function isAllowed(file: string, target: string): boolean {
  const [area, page] = file.split('/')
  const [targetArea, targetPage] = target.split('/')
  if (file === 'main.ts' || targetArea === 'lib' || targetArea === 'texts') return true
  if (target.startsWith(CENTRE_TEXTS)) return area === 'lib'
  return area === 'pages' && targetArea === 'pages' && page === targetPage
}

/** The first circle of imports, in order, the first file again at its end; empty where there is none. A component
 * that shows itself, as a tree does, is not one. */
export function circle(imports: Imports): string[] {
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): string[] => {
    const at = path.indexOf(file)
    if (at >= 0) return [...path.slice(at), file]
    if (done.has(file)) return []
    for (const target of (imports.get(file) ?? []).filter((one) => one !== file)) {
      const found = visit(target, [...path, file])
      if (found.length) return found
    }
    done.add(file)
    return []
  }
  for (const file of imports.keys()) {
    const found = visit(file, [])
    if (found.length) return found
  }
  return []
}

/** Pairs of names in one folder that differ by two letters or less, whatever their case and ending. */
export function lookalikes(paths: readonly string[]): string[] {
  const names = [...new Set(paths.flatMap((path) => ancestors(path)))].sort()
  return names.flatMap((one, i) =>
    names
      .slice(i + 1)
      .filter((other) => posix.dirname(one) === posix.dirname(other) && areAlike(stem(one), stem(other)))
      .map((other) => `${one} ~ ${other}`),
  )
}

const ancestors = (path: string): string[] => path.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/'))
const stem = (path: string): string => posix.basename(path).split('.')[0]!.replaceAll(/[_-]/g, '').toLowerCase()

/** Two letters make most short words into others, so they count from five letters on. */
function areAlike(one: string, other: string): boolean {
  return distance(one, other) <= (Math.min(one.length, other.length) < 5 ? 1 : 2)
}

/** Levenshtein's. */
function distance(one: string, other: string): number {
  let row = [...other, ''].map((_, i) => i)
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1]
    for (const [j, against] of [...other].entries()) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === against ? 0 : 1)))
    }
    row = next
  }
  return row.at(-1)!
}
