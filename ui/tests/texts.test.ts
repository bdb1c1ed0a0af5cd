import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { language, page, theme, withLanguage } from '../src/address/address'
import { speaker, TEXTS, unitOfMeasure } from '../src/texts'

const root = join(import.meta.dirname, '..')
const placeholders = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(String).sort()
const keys = Object.keys(TEXTS.vi)

describe('texts', () => {
  test('both languages have the same keys', () => expect(Object.keys(TEXTS.en)).toEqual(keys))

  test.each(keys)('%s is written in both, with the same places to fill', (key) => {
    const { vi, en } = TEXTS
    expect(vi[key]).toBeTruthy()
    expect(en[key]).toBeTruthy()
    expect(placeholders(en[key] as string)).toEqual(placeholders(vi[key] as string))
  })

  test('no text is unused', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|svelte)$/.test(name))
      .map((name) => readFileSync(join(root, 'src', name), 'utf8'))
      .join('\n')
    const unused = keys.filter(
      (key) => !key.startsWith('unit.') && !sources.includes(`'${key}'`) && !sources.includes(`\`${key.replace(/[^._]+$/, '')}\${`),
    )
    expect(unused).toEqual([])
  })

  test('every unit of measure of the catalogue has a text', () => {
    const folder = join(root, '..', 'ioc', 'catalog', 'sectors')
    const packs = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
    const units = new Set(packs.flatMap((pack) => [...pack.matchAll(/^unit_of_measure = "(.*)"$/gm)].map(([, unit]) => unit)))
    expect([...units].filter((unit) => !(`unit.${unit}` in TEXTS.vi))).toEqual([])
  })

  test('what is filled in', () => expect(speaker('vi')('reason.insufficient', { samples: 2, min_samples: 18 })).toBe('Chưa đủ mẫu 2/18'))
  test('an unknown unit of measure stays', () => expect(unitOfMeasure('m³/s', 'en')).toBe('m³/s'))
})

describe('address', () => {
  test.each([
    ['/wall/main', { kind: 'wall', display: 'main' }],
    ['/wall/', { kind: 'wall', display: 'main' }],
    ['/wall/ph%C3%B2ng', { kind: 'wall', display: 'phòng' }],
    ['/wall/a/b', { kind: 'unknown' }],
    ['/ops', { kind: 'ops' }],
    ['/lab/', { kind: 'lab' }],
    ['/catalog', { kind: 'catalog' }],
    ['/ops/7', { kind: 'unknown' }],
    ['/', { kind: 'unknown' }],
  ])('%s', (path, expected) => expect(page(path)).toEqual(expected))

  test.each([
    ['', 'vi'],
    ['?lang=en', 'en'],
    ['?lang=fr', 'vi'],
  ])('language of "%s" is %s', (search, expected) => expect(language(search)).toBe(expected))

  test.each([
    ['', true, 'dark'],
    ['?theme=light', false, 'light'],
    ['?theme=auto', true, 'light'],
    ['?theme=auto', false, 'dark'],
    ['?theme=pink', true, 'dark'],
  ])('theme of "%s", computer prefers light: %s, is %s', (search, prefers, expected) => expect(theme(search, prefers)).toBe(expected))

  test('the language is kept in the address, Vietnamese needs none', () => {
    expect(withLanguage('?theme=light', 'en')).toBe('?theme=light&lang=en')
    expect(withLanguage('?theme=light&lang=en', 'vi')).toBe('?theme=light')
    expect(withLanguage('?lang=en', 'vi')).toBe('')
  })
})
