/** The centre below a path of its own: every address of a page goes through `at`. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { at, baseOf, inside } from '../src/lib/address/base_path'

describe('base path', () => {
  it.each([
    ['http://centre/assets/main-x.js', ''],
    ['https://tinh.vn/ioc/assets/main-x.js', '/ioc'],
    ['https://tinh.vn/a/assets/b/assets/main-x.js', '/a/assets/b'],
    ['http://localhost:5173/src/main.ts', ''],
  ])('of the script %s is "%s"', (script, base) => expect(baseOf(script)).toBe(base))

  it.each([
    ['/ops?view=rules', '/ioc', '/ioc/ops?view=rules'],
    ['/ioc/ops', '/ioc', '/ioc/ops'],
    ['/iocs', '/ioc', '/ioc/iocs'],
    ['/ops', '', '/ops'],
  ])('%s below "%s" is %s', (path, base, wanted) => expect(at(path, base)).toBe(wanted))

  it.each([
    ['/ioc/wall/main', '/ioc', '/wall/main'],
    ['/ioc', '/ioc', '/'],
    ['/wall/main', '/ioc', '/wall/main'],
    ['/wall/main', '', '/wall/main'],
  ])('%s inside "%s" is %s', (path, base, wanted) => expect(inside(path, base)).toBe(wanted))

  it('no page names an address of the centre by itself', () => {
    const source = join(import.meta.dirname, '..', 'src')
    const wrong = readdirSync(source, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.svelte'))
      .flatMap((name) =>
        readFileSync(join(source, name), 'utf8')
          .split('\n')
          .map((line) => ({ name, line })),
      )
      .filter(({ line }) => /(href|src)=["{]?[`"']?\/(?!\/)/.test(line))
    expect(wrong).toEqual([])
  })
})
