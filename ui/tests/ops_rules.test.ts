import { describe, expect, test } from 'vitest'
import { Refused } from '../src/lib/api/request'
import { messageText } from '../src/lib/i18n/messages'
import { refusalText } from '../src/lib/i18n/refusals'
import {
  kindOf,
  kpisOf,
  sideOf,
  withKind,
  withSide,
  withWay,
  wayOf,
  type Kind,
  type Written,
} from '../src/pages/ops/rules/condition'
import { at, elsewhere, ofWritten } from '../src/pages/ops/rules/field_faults'
import { durationInWords, durationParts, writtenDuration } from '../src/lib/format/written_duration'
import { figure, figureText } from '../src/pages/ops/rules/typed_values'
import { lines } from '../src/pages/ops/rules/preview_chart'
import { toldText } from '../src/pages/ops/rules/recipients_text'
import { speaker } from '../src/lib/i18n'

const say = speaker('vi')

describe('figures as they are typed', () => {
  test.each([
    ['a decimal comma', '1,5', 1.5],
    ['a true minus', '−2', -2],
    ['nothing', '  ', undefined],
    ['a word stays', 'nhiều', 'nhiều'],
    ['half a figure stays', '1e', '1e'],
    ['thousands parted', '2.500.000', 2_500_000],
  ])('%s: %s', (_, typed, value) => expect(figure(typed, 'vi')).toBe(value))
  test('shown with the reader’s mark', () =>
    expect([figureText(1.5, 'vi'), figureText(2_500_000, 'en'), figureText('x', 'vi')]).toEqual([
      '1,5',
      '2,500,000',
      'x',
    ]))
  test.each([
    ['30', 'm', '30m'],
    ['007', 'h', '7h'],
    ['', 'm', undefined],
    ['lâu', 'm', 'lâu'],
  ] as const)('a length "%s" in %s is %s', (typed, step, value) => expect(writtenDuration(typed, step)).toBe(value))
  test.each([
    ['15m', '15 phút'],
    ['2h', '2 giờ'],
    ['3d', '3 ngày'],
    ['soon', 'soon'],
  ])('the duration %s in words', (written, said) => expect(durationInWords(written, speaker('vi'))).toBe(said))

  test('a length that cannot be read is shown as it is', () =>
    expect([durationParts('90s'), durationParts('lâu')]).toEqual([
      ['90', 's'],
      ['lâu', 'm'],
    ]))
})

describe('conditions', () => {
  const rule: Written = { id: 'a', kpi: 'k', fires_above: 5, clears_below: 4, severity: 'high', note_of_theirs: 'x' }
  const rest = { id: 'a', kpi: 'k', severity: 'high', note_of_theirs: 'x' }
  test.each([
    ['change', { ...rest, change: { over: '1h', fires_above: 5, clears_below: 4 } }],
    ['missing', { ...rest, missing: true }],
    ['all', { ...rest, all: [{ fires_above: 5, clears_below: 4 }, { missing: true }] }],
    ['deviation', { ...rest, deviation: { weeks: 4, fires_above: 4 } }],
  ] as [Kind, Written][])('limits become %s, all else stays', (kind, wanted) => {
    expect(withKind(rule, kind)).toEqual(wanted)
    expect(kindOf(wanted)).toBe(kind)
  })
  test.each(['change', 'all', 'any'] as Kind[])('from %s back to limits nothing is lost', (kind) =>
    expect(withKind(withKind(rule, kind), 'limits')).toEqual(rule),
  )
  test('AND becomes OR with the same members', () =>
    expect(withKind({ all: [{ stale: true }, { missing: true }] }, 'any')).toEqual({
      any: [{ stale: true }, { missing: true }],
    }))

  test('above becomes below and a band with the same firing limit', () => {
    expect(withWay(rule, 'below')).toEqual({ ...rest, fires_below: 5 })
    expect(withWay(rule, 'outside')).toEqual({ ...rest, fires_outside: ['', 5] })
    expect([wayOf(rule), wayOf({ fires_below: 1 }), wayOf({ fires_outside: [1, 2] })]).toEqual([
      'above',
      'below',
      'outside',
    ])
  })
  test('a band is written place by place, its inner one left out when empty', () => {
    const band = withSide({ fires_outside: ['', 9] }, 'fires_low', 1)
    expect(band).toEqual({ fires_outside: [1, 9] })
    const inner = withSide(band, 'clears_low', 2)
    expect([inner, sideOf(inner, 'clears_low'), sideOf(inner, 'clears_high')]).toEqual([
      { fires_outside: [1, 9], clears_inside: [2, ''] },
      2,
      '',
    ])
    expect(withSide(inner, 'clears_low', undefined)).toEqual(band)
  })
  test('two limits written apart stay apart', () =>
    expect(withSide({ fires_above: 9, fires_below: 1 }, 'fires_low', 2)).toEqual({ fires_above: 9, fires_below: 2 }))
  test('all KPIs of a group', () =>
    expect(
      kpisOf({
        any: [
          { kpi: 'a', stale: true },
          {
            all: [
              { kpi: 'b', missing: true },
              { kpi: 'a', missing: true },
            ],
          },
        ],
      }),
    ).toEqual(['a', 'b']))
  test('limits of a change are about something else than the value', () => {
    expect(lines({ change: { over: '1h', fires_above: 5 } })).toEqual([])
    expect(lines(rule)).toEqual([
      { at: 5, kind: 'fires' },
      { at: 4, kind: 'clears' },
    ])
  })
})

describe('faults', () => {
  const faults = [
    { field: 'kpi', message: 'is empty; write what it is.', code: 'empty' },
    { field: 'kpi', message: 'is missing; name the KPI that the condition speaks of.', code: 'kpi_missing' },
    { field: 'all[0].fires_above', message: 'x' },
    {
      field: 'colour',
      message: "No field is called 'colour' here.",
      code: 'unknown_field',
      params: { given: 'colour', nearest: '' },
    },
    { field: 'text', message: 'This is not TOML: …', code: 'not_toml', params: { line: 3, column: 1, detail: '…' } },
  ]
  test('at their fields, and what has none above the form', () => {
    expect(at(faults, 'kpi').map(({ code }) => code)).toEqual(['kpi_missing'])
    expect(at(faults, 'all', true)).toHaveLength(1)
    expect(elsewhere(faults).map(({ field }) => field)).toEqual(['colour', 'text'])
  })
  test('what is not yet written is no fault before it is saved', () =>
    expect(ofWritten(faults, { kpi: '' }).map(({ field }) => field)).toEqual(['all[0].fires_above', 'colour', 'text']))
  test.each([
    [
      { message: '…', code: 'clears_wrong_side', params: { given: 50.5, limit: 45, side: 'above' } },
      /^Ngưỡng hết 50,5 nằm sai phía so với ngưỡng báo 45;/,
    ],
    [
      { message: '…', code: 'unknown_kpi', params: { given: 'air.pm', nearest: 'air.pm25' } },
      /^Không có chỉ tiêu nào mã air\.pm\. Có phải là “air\.pm25”\?$/,
    ],
    [{ message: '…', code: 'missing', params: { wanted: 'number' } }, /^Còn thiếu; ghi một số\.$/],
    [{ message: '…', code: 'held_already', params: { by: 'lan' } }, /^lan đã nhận cảnh báo này\.$/],
    [{ message: '…', code: 'session_changed' }, /^Phiên làm việc đã đổi/],
    [{ message: 'Something new.' }, /^Something new\.$/],
  ])('in Vietnamese: %o', (fault, said) => expect(messageText(fault, 'vi')).toMatch(said))
  test('English is the centre’s own', () =>
    expect(messageText({ message: 'is missing', code: 'missing' }, 'en')).toBe('is missing'))
  test('a refusal says its first fault, a silence of the centre its own sentence', () => {
    const refused = new Refused(400, 'x', [{ field: 'a', message: 'm', code: 'says_nothing' }])
    expect(refusalText(refused, 'vi', say)).toMatch(/^Chưa nói gì/)
    expect(refusalText(new TypeError('network'), 'vi', say)).toBe(say('desk.failed'))
  })
})

test('who is told: each once, with the channels and the earliest time', () => {
  const one = { route: 'r', receiver: 'duty', channel: 'sms', person: 'Lân', after: 60, is_escalation: false }
  expect(
    toldText(
      [one, { ...one, channel: 'hook', after: 30 }, { ...one, person: 'Hà', after: 1800, is_escalation: true }],
      say,
    ),
  ).toBe('Lân (sms, hook, sau 30 giây); Hà (sms, nếu chưa ai nhận, sau 30 phút)')
})
