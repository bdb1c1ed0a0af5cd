import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bubbles } from '../src/lib/map/bubbles'
import { splitFar, type Centroid } from '../src/lib/map/insets'
import { correlation } from '../src/lib/map/rank_correlation'

const UNITS = readFileSync(new URL('../../ioc/catalog/units.csv', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((row) => row.split(','))
  .map(([code, , name, , parent, latitude, longitude]) => ({
    code: code!,
    name: name!,
    parent: parent!,
    latitude: Number(latitude),
    longitude: Number(longitude),
  }))
const PROVINCES = UNITS.filter(({ parent }) => parent === '')
const communes = (province: string): (Centroid & { name: string })[] =>
  UNITS.filter(({ parent }) => parent === province)

describe('the communes of every province', () => {
  test('are all 34', () => expect(PROVINCES).toHaveLength(34))

  test.each(PROVINCES.map(({ code, name }) => [name, code] as const))('%s: as on a map', (_, code) => {
    const places = communes(code)
    for (const [width, height] of [
      [56, 56],
      [40, 56],
      [80, 50],
    ] as const) {
      const { diameter, spots, insets } = bubbles(places, width, height, 5.6)
      const spot = new Map(spots.map((one) => [one.code, one]))
      expect(spot.size).toBe(places.length)
      const order = [
        correlation(
          places.map(({ latitude }) => -latitude),
          places.map(({ code }) => spot.get(code)!.y),
        ),
        correlation(
          places.map(({ longitude }) => longitude),
          places.map(({ code }) => spot.get(code)!.x),
        ),
      ]
      expect(Math.min(...order)).toBeGreaterThanOrEqual(0.9)
      for (const [i, a] of spots.entries()) {
        expect(Math.min(a.x, a.y, width - a.x, height - a.y)).toBeGreaterThanOrEqual(diameter / 2 - 0.02)
        for (const b of spots.slice(i + 1)) {
          const away = Math.hypot(a.x - b.x, a.y - b.y)
          if (away < diameter * 0.99) expect.fail(`${a.code} and ${b.code} overlap: ${away} of ${diameter}`)
        }
        for (const inset of insets.filter(({ codes }) => !codes.includes(a.code))) {
          const aside = Math.max(
            inset.x - a.x,
            a.x - inset.x - inset.width,
            inset.y - a.y,
            a.y - inset.y - inset.height,
          )
          expect(aside).toBeGreaterThanOrEqual(0)
        }
      }
    }
  })
})

describe('far islands', () => {
  test.each([
    ['48', ['Hoàng Sa']],
    ['56', ['Trường Sa']],
    ['31', ['Bạch Long Vĩ']],
    ['79', ['Côn Đảo']],
    ['46', []],
    ['01', []],
  ])('%s', (province, names) =>
    expect(splitFar(communes(province)).far.map((place) => (place as { name?: string }).name)).toEqual(names),
  )

  test('stand framed in the corner towards which they lie', () => {
    const { insets, spots } = bubbles(communes('48'), 56, 56, 5.6)
    const [inset] = insets
    expect(insets).toHaveLength(1)
    expect(inset!.x + inset!.width).toBeCloseTo(56)
    const island = spots.find(({ code }) => code === '20333')!
    expect(island.x).toBeGreaterThan(inset!.x)
    expect(island.y).toBeGreaterThan(inset!.y)
  })
})

test.each([
  [[1, 2, 3], [10, 20, 30], 1],
  [[1, 2, 3], [3, 2, 1], -1],
  [[1, 1, 2], [5, 5, 9], 1],
  [[1, 2, 3, 4], [1, 3, 2, 4], 0.8],
  [[1], [2], 1],
])('rank correlation of %j and %j', (a, b, expected) => expect(correlation(a, b)).toBeCloseTo(expected))
