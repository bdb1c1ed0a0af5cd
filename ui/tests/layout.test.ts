import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { circle, forbidden, importsBelow, lookalikes } from './layout'

const source = join(import.meta.dirname, '..', 'src')
const imports = importsBelow(source)

describe('layers', () => {
  test('pages import from lib and never from each other', () => expect(forbidden(imports)).toEqual([]))
  test('no circle of imports', () => expect(circle(imports)).toEqual([]))

  test.each([
    ['a page imports another', 'pages/ops/Ops.svelte', 'pages/wall/Wall.svelte', false],
    ['a page imports its own folder', 'pages/ops/rules/Rule.svelte', 'pages/ops/requests.ts', true],
    ['a page imports lib', 'pages/ops/Ops.svelte', 'lib/live/store.ts', true],
    ['lib imports a page', 'lib/live/store.ts', 'pages/ops/requests.ts', false],
    ['a page imports main', 'pages/ops/Ops.svelte', 'main.ts', false],
    ['main imports a page', 'main.ts', 'pages/ops/Ops.svelte', true],
  ])('%s', (_, file, target, allowed) => expect(forbidden(new Map([[file, [target]]]))).toHaveLength(allowed ? 0 : 1))

  test.each([
    ['of two', { a: ['b'], b: ['a'] }, ['a', 'b', 'a']],
    ['behind a beginning', { a: ['b'], b: ['c'], c: ['d'], d: ['b'] }, ['b', 'c', 'd', 'b']],
    ['none where a component shows itself', { a: ['a'] }, []],
    ['none where two import one', { a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }, []],
  ])('a circle %s', (_, graph: Record<string, string[]>, expected) =>
    expect(circle(new Map(Object.entries(graph)))).toEqual(expected),
  )
})

describe('names', () => {
  test('no two names of a folder are a letter or two apart', () => {
    const paths = readdirSync(source, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'))
    expect(lookalikes(paths.filter((path) => !path.startsWith('texts/')))).toEqual([])
  })

  test.each([
    ['a plural', ['lib/portion.ts', 'lib/portions.ts'], true],
    ['only the case', ['ops/Clash.svelte', 'ops/clash.ts'], true],
    ['a folder and a file', ['ops/Routes.svelte', 'ops/routes/tree.ts'], true],
    ['other folders', ['store/portion.ts', 'evaluation/portions.ts'], false],
    ['other words', ['lib/format.ts', 'lib/charts.ts'], false],
    ['short words', ['lib/api/x.ts', 'lib/map/y.ts'], false],
  ])('%s', (_, paths, alike) => expect(lookalikes(paths).length > 0).toBe(alike))
})
