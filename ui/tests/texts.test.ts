import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { catalogPath, language, page, theme, withLanguage } from '../src/lib/address/page_address'
import { speaker, TEXTS, unitOfMeasure } from '../src/lib/i18n'
import { faultText } from '../src/lib/i18n/messages'

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
    const unused = keys.filter((key) =>
      [`'${key}'`, `\`${key.replace(/[^._]+$/, '')}\${`, `\`${key.split('.')[0]}.\${`].every(
        (use) => !sources.includes(use),
      ),
    )
    expect(unused).toEqual([])
  })

  test('what is filled in', () =>
    expect(speaker('vi')('reason.insufficient', { samples: 2, min_samples: 18 })).toBe('Chưa đủ mẫu 2/18'))
  test.each([
    ['vi', 'dossiers', 'hồ sơ'],
    ['en', 'dossiers', 'dossiers'],
    ['en', '', 'hồ sơ'],
  ] as const)('unit of measure in %s where the definition says "%s" in English: %s', (tongue, english, said) =>
    expect(unitOfMeasure({ unit_of_measure: 'hồ sơ', unit_of_measure_en: english }, tongue)).toBe(said),
  )
})

test('the gravest severity has one word', () => {
  const words = Object.entries(TEXTS.vi).filter(([key]) =>
    /(^alerts\.severity_1|(severity_of|word)\.critical|mix_critical)$/.test(key),
  )
  expect(new Set(words.map(([, text]) => text.toLowerCase()))).toEqual(new Set(['nghiêm trọng']))
  expect(Object.values(TEXTS.vi).filter((text) => /rất nghiêm trọng|khẩn cấp/i.test(text))).toEqual([])
})

describe('faults of the centre', () => {
  const since = '2026-12-01T01:00:00.000Z'
  test.each([
    [
      'thread_stuck',
      'vi',
      'Tác vụ nền historian không phản hồi đã 12 giây; nếu kéo dài, hãy khởi động lại tiến trình.',
    ],
    ['thread_stuck', 'en', 'As the server says.'],
    ['of_a_newer_server', 'vi', 'As the server says.'],
  ] as const)('%s in %s', (code, language, said) =>
    expect(
      faultText({ code, params: { thread: 'historian', seconds: 12 }, detail: 'As the server says.', since }, language),
    ).toBe(said),
  )
})

describe('address', () => {
  test.each([
    ['/wall/main', { kind: 'wall', display: 'main' }],
    ['/wall/%', { kind: 'unknown' }],
    ['/catalog/%zz', { kind: 'unknown' }],
    ['/catalog/%E1%BB%87', { kind: 'catalog', kpi: 'ệ' }],
    ['/ops', { kind: 'ops' }],
    ['/wall/', { kind: 'wall', display: 'main' }],
    ['/wall/ph%C3%B2ng', { kind: 'wall', display: 'phòng' }],
    ['/wall/a/b', { kind: 'unknown' }],
    ['/ops', { kind: 'ops' }],
    ['/login', { kind: 'login' }],
    ['/lab/', { kind: 'lab' }],
    ['/explore', { kind: 'explore' }],
    ['/reports', { kind: 'reports' }],
    ['/open', { kind: 'open' }],
    ['/lab/7', { kind: 'unknown' }],
    ['/catalog', { kind: 'catalog', kpi: '' }],
    ['/catalog/air.pm25_mean_24h', { kind: 'catalog', kpi: 'air.pm25_mean_24h' }],
    ['/catalog/a/b', { kind: 'unknown' }],
    ['/sources', { kind: 'sources' }],
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
  ])('theme of "%s", computer prefers light: %s, is %s', (search, prefers, expected) =>
    expect(theme(search, prefers)).toBe(expected),
  )

  test('the language is kept in the address, Vietnamese needs none', () => {
    expect(withLanguage('?theme=light', 'en')).toBe('?theme=light&lang=en')
    expect(withLanguage('?theme=light&lang=en', 'vi')).toBe('?theme=light')
    expect(withLanguage('?lang=en', 'vi')).toBe('')
  })

  test.each([
    ['nothing chosen', '', {}, '/catalog'],
    ['a KPI of the province', 'lgsp.rate', {}, '/catalog/lgsp.rate'],
    [
      'a unit, a range and a language',
      'lgsp.rate',
      { unit: '19753', range: '7d', language: 'en' as const },
      '/catalog/lgsp.rate?unit=19753&range=7d&lang=en',
    ],
  ])('the address of %s', (_, kpi, more, path) => expect(catalogPath(kpi, more)).toBe(path))
})
