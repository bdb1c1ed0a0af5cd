import { describe, expect, test } from 'vitest'
import type { Alert, Severity } from '../src/lib/live/messages'
import { buckets, judged, loadOption, MINUTE_MS, width_ms } from '../src/pages/ops/audit/audit_charts'
import { byCause, recent } from '../src/pages/ops/alerts/flood'
import { entryText } from '../src/pages/ops/incidents/timeline'
import type { Audit, Incident } from '../src/pages/ops/shapes'
import { monday_ms, pieces } from '../src/pages/ops/duty/week'
import { speaker } from '../src/lib/i18n'
import { alert as anAlert } from './values'

const say = speaker('vi')
const ZONE = 'Asia/Ho_Chi_Minh'
const DAY_MS = 86_400_000

const alert = (rule: string, severity: Severity, other: Partial<Alert> = {}): Alert =>
  anAlert({ rule, severity, since: '2026-11-23T01:00:00Z', ...other })

describe('flood', () => {
  test('only what makes noise and is new counts', () => {
    const now = Date.parse('2026-11-23T01:05:00Z')
    const all = [alert('a', 1), alert('a', 1, { quiet: true }), alert('b', 2, { since: '2026-11-23T00:54:59Z' })]
    expect(recent(all, now)).toBe(1)
  })
  test('causes: the gravest first, then the one with most alerts', () => {
    const all = [
      alert('few', 2),
      alert('many', 3),
      alert('many', 2, { handling: 'acknowledged' }),
      alert('worst', 1),
      alert('quiet', 1, { quiet: true }),
    ]
    expect(byCause(all).map(({ rule, alerts, unheld }) => [rule, alerts, unheld])).toEqual([
      ['worst', 1, 1],
      ['many', 2, 1],
      ['few', 1, 1],
    ])
  })
})

describe('duty', () => {
  test.each([
    ['a Monday just after midnight', '2026-11-23T00:30:00+07:00'],
    ['a Sunday just before midnight', '2026-11-29T23:59:00+07:00'],
  ])('%s belongs to its week', (_, time) =>
    expect(new Date(monday_ms(Date.parse(time), ZONE)).toISOString()).toBe('2026-11-22T17:00:00.000Z'),
  )
  test('a shift over midnight is cut, a gap that somebody stands in for is none', () => {
    const day = Date.parse('2026-11-23T00:00:00+07:00')
    const shift = {
      from: '2026-11-22T19:00:00+07:00',
      until: '2026-11-23T07:00:00+07:00',
      people: ['ha'],
      kind: 'otherwise' as const,
      why: '',
    }
    const gaps = [
      { from: shift.from, until: shift.until, stands_in: ['ha'] },
      { from: '2026-11-23T19:00:00+07:00', until: '2026-11-24T07:00:00+07:00', stands_in: [] },
    ]
    const found = pieces({ shifts: [shift], gaps }, day, day + DAY_MS)
    expect(
      found.map(({ kind, from_ms, until_ms }) => [kind, (from_ms - day) / 3_600_000, (until_ms - day) / 3_600_000]),
    ).toEqual([
      ['otherwise', 0, 7],
      ['gap', 19, 24],
    ])
  })
})

describe('self-audit', () => {
  test.each([
    ['per_window', 1, 'good'],
    ['per_window', 1.5, 'watch'],
    ['per_day', 301, 'bad'],
    ['flood_share', 0.011, 'watch'],
    ['stale', 0, 'good'],
  ] as const)('%s of %s is %s', (figure, value, verdict) => expect(judged(figure, value)).toBe(verdict))
  test('buckets are half-open, what lies outside is left', () =>
    expect(buckets([0, 9, 10, 25, -1, 30], 0, 30, 10)).toEqual([2, 1, 1]))
  test.each([
    [1, 10],
    [7, 60],
    [30, 360],
    [365, 1440 * 2],
  ])('%d days in bars of %d minutes at most', (days, minutes) =>
    expect(width_ms(0, days * DAY_MS) / MINUTE_MS).toBeLessThanOrEqual(minutes),
  )
  test('a flood that lasts is shaded to the end', () => {
    const audit = {
      from: '2026-11-22T00:00:00Z',
      to: '2026-11-23T00:00:00Z',
      floods: [{ from_ms: Date.parse('2026-11-22T12:00:00Z'), until_ms: null, alerts: 20 }],
    } as unknown as Audit
    const [series] = loadOption([], audit, { zone: ZONE, language: 'vi', say }).series as {
      markArea: { data: { xAxis: number }[][] }
    }[]
    expect(series?.markArea.data[0]?.[1]?.xAxis).toBe(Date.parse('2026-11-23T07:00:00Z'))
  })
})

test.each([
  ['assigned', 'lan', '', 'Nguyễn Lân'],
  ['closed', 'solved', 'khởi động lại', 'đã giải quyết · khởi động lại'],
  ['step_done', 'p/1', '', 'Gọi đơn vị'],
  ['attached', 'f1', '', 'ảnh.png'],
  ['commented', '', 'đang xem', 'đang xem'],
])('a line of the timeline, %s, says names', (act, of, text, said) => {
  const incident = {
    procedures: {
      p: {
        procedure: {
          id: 'p',
          name: { vi: 'P', en: 'P' },
          steps: [{ id: '1', text: { vi: 'Gọi đơn vị', en: 'Call' } }],
        },
        ticks: {},
        done: 0,
        steps: 1,
      },
    },
    attachments: [{ id: 'f1', name: 'ảnh.png', size_bytes: 1, by: 'lan', at: '' }],
  } as unknown as Incident
  const described = {
    units: new Map(),
    definitions: new Map(),
    procedures: new Map(),
    figures: new Map(),
    rules: new Map(),
  }
  expect(
    entryText(
      { at: '', by: 'lan', act, of, text },
      incident,
      { names: new Map([['lan', 'Nguyễn Lân']]), described },
      'vi',
      say,
    ).text,
  ).toBe(said)
})
