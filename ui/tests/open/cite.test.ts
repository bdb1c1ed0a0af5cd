import { describe, expect, it } from 'vitest'
import { citation, size } from '../../src/pages/open/citation'
import type { Dataset, Dictionary } from '../../src/pages/open/protocol'

const dataset = {
  id: 'du-lich',
  title: { vi: 'Du lịch', en: 'Tourism' },
  changed_at: '2026-11-23T02:00:00Z',
} as Dataset
const told = { publisher: { vi: 'UBND', en: 'PC' }, licence: { name: 'CC BY 4.0', url: '' } } as Dictionary

describe('how to cite', () => {
  it('names publisher, year, title, address and licence', () => {
    expect(citation(told, dataset, 'https://ioc.vn', 'vi')).toBe(
      'UBND (2026). Du lịch. https://ioc.vn/open/du-lich.csv. CC BY 4.0.',
    )
    expect(citation(told, dataset, 'https://ioc.vn', 'en')).toContain('PC (2026). Tourism.')
  })
})

describe('sizes', () => {
  it.each([
    [999, '999 B'],
    [1234, '1,2 kB'],
    [2_500_000, '2,5 MB'],
  ])('%d bytes', (bytes, text) => expect(size(bytes, 'vi')).toBe(text))
})
