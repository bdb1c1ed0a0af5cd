import { describe, expect, it } from 'vitest'
import { groups, lines, shown } from '../src/pages/reports/cells'
import type { Cell, Column, Table } from '../src/pages/reports/shapes'

const cell = (value: Cell['value'], more: Partial<Cell> = {}): Cell => ({
  value,
  digits: 1,
  why: {},
  key: null,
  samples: null,
  origin: '',
  short: '',
  ...more,
})
const column = (vi: string, group = ''): Column => ({
  name: { vi, en: vi },
  unit_of_measure: {},
  group: group ? { vi: group, en: group } : {},
  numeric: true,
})

describe('cells', () => {
  it.each([
    ['a number in Vietnamese', cell(1234.56), column('Kỳ này'), { text: '1.234,6', small: '', why: '' }],
    ['a change has its sign', cell(2), column('So kỳ trước'), { text: '+2,0', small: '', why: '' }],
    [
      'no data is a dash with its reason',
      cell(null, { why: { vi: 'không có dữ liệu' } }),
      column('Kỳ này'),
      { text: '—', small: '', why: 'không có dữ liệu' },
    ],
    [
      'too few samples say how many',
      cell(null, { short: '7/20', why: { vi: 'chưa đủ mẫu' } }),
      column('Kỳ này'),
      { text: '—', small: '7/20', why: 'chưa đủ mẫu' },
    ],
    ['words', cell({ vi: 'Đạt', en: 'Met' }), column('Kết quả'), { text: 'Đạt', small: '', why: '' }],
  ] as const)('%s', (_, given, of, expected) => expect(shown(given, of, 'vi')).toEqual(expected))

  it('groups columns that stand together', () => {
    const columns = [column('a', 'Đúng hạn'), column('b', 'Đúng hạn'), column('c', 'Trực tuyến')]
    expect(groups(columns, 'vi')).toEqual([
      { name: 'Đúng hạn', span: 2 },
      { name: 'Trực tuyến', span: 1 },
    ])
    expect(groups([column('a')], 'vi')).toEqual([])
  })

  it('names each section once', () => {
    const row = (name: string, section: string) => ({
      name: { vi: name, en: name },
      cells: [],
      strong: false,
      section: section ? { vi: section, en: section } : {},
    })
    const table = {
      rows: [row('Toàn tỉnh', ''), row('Xã A', 'Xã, phường'), row('Xã B', 'Xã, phường')],
    } as unknown as Table
    expect(lines(table, 'vi').map((line) => ('section' in line ? `# ${line.section}` : line.row.name.vi))).toEqual([
      'Toàn tỉnh',
      '# Xã, phường',
      'Xã A',
      'Xã B',
    ])
  })
})
