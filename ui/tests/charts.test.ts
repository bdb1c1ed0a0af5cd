import { describe, expect, test } from 'vitest'
import { seriesLeftOut, bars, heat, lines, scatter, withGaps } from '../src/lib/charts/series'
import { defaults, extent, fitting, possible, suggested, type ChartSpec } from '../src/lib/charts/spec'
import { clock_ms, columnsOf, kindOf, numberOf, type Row, type Table } from '../src/lib/charts/table'
import { timeLabeller, wall } from '../src/lib/charts/style'
import { captionedSvg, shortened } from '../src/lib/charts/caption'
import { labelling } from '../src/lib/charts/drawing'

const ZONE = 'Asia/Ho_Chi_Minh'
const table = (columns: Record<string, string>, rows: Row[]): Table => ({
  columns: columnsOf(Object.entries(columns).map(([name, type]) => ({ name, type }))),
  rows,
})
const same = (_: string, text: string): string => text
const day = (n: number): string => `2026-11-${String(n).padStart(2, '0')}T00:00:00`

describe('types', () => {
  test.each([
    ['BIGINT', 'number'],
    ['HUGEINT', 'number'],
    ['UTINYINT', 'number'],
    ['INTEGER', 'number'],
    ['DECIMAL(18,3)', 'number'],
    ['DOUBLE', 'number'],
    ['TIMESTAMP', 'time'],
    ['TIMESTAMP WITH TIME ZONE', 'time'],
    ['DATE', 'day'],
    ['BOOLEAN', 'boolean'],
    ['VARCHAR', 'text'],
    ['VARCHAR[]', 'nested'],
    ['TIMESTAMP[]', 'nested'],
    ['DOUBLE[]', 'nested'],
    ['MAP(VARCHAR, VARCHAR)', 'nested'],
    ['INTERVAL', 'text'],
    ["ENUM('a', 'b')", 'text'],
  ] as const)('%s is %s', (type, kind) => expect(kindOf(type)).toBe(kind))

  test.each([
    ['a decimal as text', '12.50', 12.5],
    ['beyond 2^53', '9007199254740993', 9007199254740992],
    ['an empty text', '', null],
    ['nothing', null, null],
    ['a word', 'NaN', null],
  ])('number of %s', (_, cell, value) => expect(numberOf(cell)).toBe(value))

  test.each([
    ["the province's own time", '2026-11-23T08:15:00', '2026-11-23T08:15:00.000Z'],
    ['with a space', '2026-11-23 08:15:30.5', '2026-11-23T08:15:30.500Z'],
    ['a day', '2026-11-23', '2026-11-23T00:00:00.000Z'],
    ['in UTC', '2026-11-23T01:15:00Z', '2026-11-23T08:15:00.000Z'],
    ['with an offset of hours', '2026-11-23 08:15:00+07', '2026-11-23T08:15:00.000Z'],
    ['west of Greenwich', '2026-11-22T20:15:00-05:00', '2026-11-23T08:15:00.000Z'],
  ])('time %s', (_, cell, shown) => expect(new Date(clock_ms(cell, ZONE) ?? NaN).toISOString()).toBe(shown))
  test('no time', () => expect(clock_ms('hôm qua', ZONE)).toBeNull())
})

describe('which chart', () => {
  const many = Array.from({ length: 6 }, (_, i) => i)
  test.each<[string, Table, Partial<ChartSpec> | null]>([
    [
      'a time and a number',
      table({ t: 'TIMESTAMP', v: 'DOUBLE' }, [[day(1), 1]]),
      { kind: 'line', x: 't', y: ['v'], by: '' },
    ],
    [
      'a time and two numbers',
      table({ t: 'DATE', a: 'DOUBLE', b: 'BIGINT' }, [[day(1), 1, 2]]),
      { kind: 'line', y: ['a', 'b'] },
    ],
    [
      'few series over time',
      table({ t: 'DATE', kpi: 'VARCHAR', v: 'DOUBLE' }, [
        [day(1), 'x', 1],
        [day(1), 'y', 2],
      ]),
      { kind: 'line', by: 'kpi' },
    ],
    [
      'too many series over time',
      table(
        { t: 'DATE', unit: 'VARCHAR', v: 'DOUBLE' },
        Array.from({ length: 20 }, (_, i) => [day(1), `u${i}`, i]),
      ),
      { kind: 'heat', x: 't', by: 'unit' },
    ],
    [
      'hours by unit',
      table({ unit: 'VARCHAR', hour: 'BIGINT', n: 'BIGINT' }, [['a', 7, 1]]),
      { kind: 'heat', x: 'hour', y: ['n'], by: 'unit' },
    ],
    [
      'one value a unit',
      table(
        { unit: 'VARCHAR', v: 'DOUBLE' },
        many.map((i) => [`u${i}`, i]),
      ),
      { kind: 'map', x: 'unit', y: ['v'] },
    ],
    [
      'two units only',
      table({ unit: 'VARCHAR', v: 'DOUBLE' }, [
        ['a', 1],
        ['b', 2],
      ]),
      { kind: 'bar', x: 'unit' },
    ],
    [
      'categories in categories',
      table({ a: 'VARCHAR', b: 'VARCHAR', v: 'DOUBLE' }, [
        ['x', 'p', 1],
        ['x', 'q', 2],
      ]),
      { kind: 'stacked', x: 'a', by: 'b' },
    ],
    ['two numbers', table({ a: 'DOUBLE', b: 'DOUBLE' }, [[1, 2]]), { kind: 'scatter', x: 'a', y: ['b'] }],
    ['no number', table({ a: 'VARCHAR' }, [['x']]), null],
    ['one number alone', table({ n: 'BIGINT' }, [[1]]), null],
    ['no rows', table({ t: 'DATE', v: 'DOUBLE' }, []), null],
  ])('%s', (_, result, expected) =>
    expected === null ? expect(suggested(result)).toBeNull() : expect(suggested(result)).toMatchObject(expected),
  )

  test('numbers alone can be a field of heat', () => {
    const { columns } = table({ weekday: 'BIGINT', hour: 'BIGINT', received: 'BIGINT' }, [])
    expect(possible(columns)).toContain('heat')
    expect(defaults('heat', columns)).toEqual({ kind: 'heat', x: 'hour', y: ['received'], by: 'weekday' })
  })

  test.each<[string, ChartSpec, ChartSpec | null]>([
    [
      'keeps what is there',
      { kind: 'bar', x: 'a', y: ['v', 'gone'], by: 'gone' },
      { kind: 'bar', x: 'a', y: ['v'], by: '' },
    ],
    ['no figures left', { kind: 'bar', x: 'a', y: ['gone'], by: '' }, null],
    ['a text is no figure', { kind: 'bar', x: 'v', y: ['a'], by: '' }, null],
    ['the axis is gone', { kind: 'bar', x: 'gone', y: ['v'], by: '' }, null],
  ])('a chart from an address: %s', (_, spec, expected) =>
    expect(fitting(spec, table({ a: 'VARCHAR', v: 'DOUBLE' }, []).columns)).toEqual(expected),
  )

  test('what a picture is summed up by', () =>
    expect(extent(table({ v: 'DOUBLE' }, [[3], [null], [-1]]), 'v')).toEqual({ least: -1, most: 3, missing: 1 }))
})

describe('series', () => {
  test('rows that are missing are a gap', () =>
    expect(
      withGaps([
        [0, 1],
        [10, 2],
        [20, 3],
        [60, 4],
        [70, 5],
      ]),
    ).toEqual([
      [0, 1],
      [10, 2],
      [20, 3],
      [30, null],
      [60, 4],
      [70, 5],
    ]))
  test('an even course has none', () =>
    expect(
      withGaps([
        [20, 3],
        [0, 1],
        [10, null],
      ]),
    ).toEqual([
      [0, 1],
      [10, null],
      [20, 3],
    ]))

  test('split by a column', () => {
    const result = table({ t: 'TIMESTAMP', unit: 'VARCHAR', v: 'DOUBLE' }, [
      [day(1), 'a', 1],
      [day(1), 'b', 5],
      [day(2), 'a', null],
      ['?', 'a', 9],
    ])
    const found = lines(result, { kind: 'line', x: 't', y: ['v'], by: 'unit' }, ZONE)
    expect(found.map(({ name, points }) => [name, points.map(([, value]) => value)])).toEqual([
      ['a', [1, null]],
      ['b', [5]],
    ])
  })

  test('bars add up what stands twice, and leave open what is not there', () => {
    const result = table({ a: 'VARCHAR', b: 'VARCHAR', v: 'DOUBLE' }, [
      ['x', 'p', 1],
      ['x', 'p', 2],
      ['y', 'q', 4],
      [null, 'q', null],
    ])
    expect(bars(result, { kind: 'stacked', x: 'a', y: ['v'], by: 'b' }, same)).toEqual({
      categories: ['x', 'y', '—'],
      series: [
        { name: 'p', values: [3, null, null] },
        { name: 'q', values: [null, 4, null] },
      ],
    })
  })

  test('hours fill the day', () => {
    const found = heat(
      table({ unit: 'VARCHAR', hour: 'BIGINT', n: 'BIGINT' }, [
        ['a', 17, 4],
        ['a', 8, 2],
        ['b', 9, null],
      ]),
      { kind: 'heat', x: 'hour', y: ['n'], by: 'unit' },
      same,
    )
    expect(found).toMatchObject({
      rows: ['a', 'b'],
      cells: [
        [17, 0, 4],
        [8, 0, 2],
      ],
      least: 2,
      most: 4,
    })
    expect(found.columns).toHaveLength(24)
  })

  test('so many names are points of one cloud', () => {
    const rows = Array.from({ length: 30 }, (_, i): Row => [`u${i}`, i, i * 2])
    const spec: ChartSpec = { kind: 'scatter', x: 'a', y: ['b'], by: 'unit' }
    expect(scatter(table({ unit: 'VARCHAR', a: 'DOUBLE', b: 'DOUBLE' }, rows), spec)).toHaveLength(1)
    expect(scatter(table({ unit: 'VARCHAR', a: 'DOUBLE', b: 'DOUBLE' }, rows.slice(0, 3)), spec)).toHaveLength(3)
  })

  test.each([
    [Date.UTC(2026, 10, 23, 8, 15), '08:15 23/11/2026'],
    [Date.UTC(2026, 10, 23), '23/11/2026'],
  ])('time of a tooltip', (time, text) => expect(wall(time)).toBe(text))
  test.each([
    ['days of a year', ['2026-11-23', '2026-11-24'], ['23/11', '24/11']],
    ['months', ['2025-11-01', '2026-10-01T00:00:00', '2026-11-01'], ['11/2025', '10/2026', '11/2026']],
    ['days of two years', ['2025-12-31', '2026-12-31'], ['31/12/2025', '31/12/2026']],
    ['a clock', ['2026-11-23T08:00:00', '2026-11-23T00:00:00'], ['23/11 08:00', '23/11 00:00']],
    ['no times', ['Phú Xuân', '2026'], ['Phú Xuân', '2026']],
  ])('categories that are %s', (_, texts, labels) => expect(texts.map(timeLabeller(texts))).toEqual(labels))

  const monthly = table({ month: 'DATE', v: 'BIGINT' }, [
    ['2025-11-01', 1],
    ['2026-10-01', 1],
    ['2026-11-01', 1],
  ])
  const units = new Map([
    ['a1', { short_name: 'An Cựu' }],
    ['a2', { short_name: 'An Cựu' }],
    ['b', { short_name: 'Phú Xuân' }],
  ]) as never
  test('the same month of two years is two bars', () =>
    expect(
      bars(monthly, { kind: 'bar', x: 'month', y: ['v'], by: '' }, labelling({ table: monthly, units: new Map() })),
    ).toEqual({
      categories: ['11/2025', '10/2026', '11/2026'],
      series: [{ name: 'v', values: [1, 1, 1] }],
    }))
  test('two units of one name are two bars, two rows, two lines', () => {
    const result = table({ t: 'DATE', unit: 'VARCHAR', v: 'BIGINT' }, [
      ['2026-11-01', 'a1', 1],
      ['2026-11-01', 'a2', 2],
      ['2026-11-01', 'b', 3],
    ])
    const label = labelling({ table: result, units })
    const names = ['An Cựu (a1)', 'An Cựu (a2)', 'Phú Xuân']
    expect(bars(result, { kind: 'bar', x: 'unit', y: ['v'], by: '' }, label)).toEqual({
      categories: names,
      series: [{ name: 'v', values: [1, 2, 3] }],
    })
    expect(heat(result, { kind: 'heat', x: 't', y: ['v'], by: 'unit' }, label).rows).toEqual(names)
    expect(lines(result, { kind: 'line', x: 't', y: ['v'], by: 'unit' }, ZONE, label).map(({ name }) => name)).toEqual(
      names,
    )
  })
  test.each([
    [24, 0],
    [30, 6],
  ])('of %i series %i are left out', (n, left) => {
    const result = table(
      { t: 'DATE', k: 'VARCHAR', v: 'BIGINT' },
      Array.from({ length: n }, (_, i): Row => ['2026-11-01', `k${i}`, i]),
    )
    expect(seriesLeftOut(result, { kind: 'stacked', x: 't', y: ['v'], by: 'k' })).toBe(left)
  })
})

describe('a picture that stands alone', () => {
  test('says what it shows, where it comes from, and that the data are simulated', () => {
    const svg = captionedSvg('<?xml version="1.0"?><svg><g/></svg>', 600, 300, {
      title: 'Đúng hạn < 98 %',
      foot: 'Nguồn: IOC Huế · số liệu lúc 08:00',
      marked: 'DỮ LIỆU MÔ PHỎNG',
    })
    expect(svg).toContain('Đúng hạn &lt; 98 %')
    expect(svg).toContain('Nguồn: IOC Huế')
    expect(svg).toContain('DỮ LIỆU MÔ PHỎNG')
    expect(svg).not.toContain('<?xml')
    expect(svg).toMatch(/height="368"/)
  })
  test('a title that is too long ends in an ellipsis', () => {
    expect(shortened('abcdef', 4, (text) => text.length)).toBe('abc…')
    expect(shortened('abc', 4, (text) => text.length)).toBe('abc')
  })
  test('words of the centre are said in the language', () => {
    const result = table({ channel: 'VARCHAR', n: 'BIGINT' }, [
      ['online', 1],
      ['unheard', 2],
    ])
    expect(
      bars(
        result,
        { kind: 'bar', x: 'channel', y: ['n'], by: '' },
        labelling({ table: result, units: new Map(), language: 'vi' }),
      ).categories,
    ).toEqual(['trực tuyến', 'unheard'])
  })
})
