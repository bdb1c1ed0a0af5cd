import { describe, expect, test } from 'vitest'
import { exact, number, short, signed, typedNumber } from '../src/lib/format/numbers'
import { clock, date, duration, moment } from '../src/lib/format/times'
import { speaker } from '../src/lib/i18n'

const ZONE = 'Asia/Ho_Chi_Minh'
const at = (text: string): number => Date.parse(text)

describe('numbers', () => {
  test.each([
    ['thousands have points in Vietnamese', 1234.5, 1, 'vi', '1.234,5'],
    ['thousands have commas in English', 1234.5, 1, 'en', '1,234.5'],
    ['the digits asked for are always there', 98, 1, 'vi', '98,0'],
    ['no digits', 1284.4, 0, 'vi', '1.284'],
    ['a true minus', -3.25, 2, 'vi', '−3,25'],
    ['what rounds to zero has no sign', -0.04, 1, 'vi', '0,0'],
  ] as const)('%s', (_, value, digits, language, text) => expect(number(value, digits, language)).toBe(text))

  test.each([
    ['plus is written', 2.2, 1, '+2,2'],
    ['minus is written', -1.6, 1, '−1,6'],
    ['zero has none', 0, 1, '0,0'],
  ] as const)('signed: %s', (_, value, digits, text) => expect(signed(value, digits, 'vi')).toBe(text))

  test.each([
    ['below a million in full', 999_999, 0, '999.999', ''],
    ['what rounds to a million is one', 999_999.7, 0, '1,00', 'million'],
    ['three figures of millions', 4_812_906, 0, '4,81', 'million'],
    ['tens of millions', 48_129_060, 0, '48,1', 'million'],
    ['hundreds of millions', 481_290_600, 0, '481', 'million'],
    ['billions', 48_800_000_000, 0, '48,8', 'billion'],
    ['negative millions', -2_500_000, 0, '−2,50', 'million'],
  ] as const)('short: %s', (_, value, digits, text, magnitude) =>
    expect(short(value, digits, 'vi')).toEqual({ text, magnitude }),
  )
})

describe('figures that people set', () => {
  test.each([
    [2_500_000, '2.500.000', '2,500,000'],
    [0.00001, '0,00001', '0.00001'],
    [-1.5e-7, '−0,00000015', '−0.00000015'],
    [1_234_567.891, '1.234.567,891', '1,234,567.891'],
    [98, '98', '98'],
    [3e21, '3.000.000.000.000.000.000.000', '3,000,000,000,000,000,000,000'],
  ])('%f is written with all its figures', (value, vi, en) =>
    expect([exact(value, 'vi'), exact(value, 'en')]).toEqual([vi, en]),
  )

  test.each([
    ['1,5', 'vi', 1.5],
    ['1.5', 'vi', 1.5],
    ['2.500.000', 'vi', 2_500_000],
    ['2.500.000', 'en', 2_500_000],
    ['2,500,000.5', 'vi', 2_500_000.5],
    ['2.500', 'vi', 2500],
    ['2.500', 'en', 2.5],
    ['0,00001', 'vi', 0.00001],
    ['0.125', 'vi', 0.125],
    ['−12', 'vi', -12],
    ['1.2.3', 'vi', null],
    ['2e6', 'vi', null],
    ['.', 'vi', null],
  ] as const)('%s typed in %s', (typed, language, value) => expect(typedNumber(typed, language)).toBe(value))

  test.each([2_500_000, 0.00001, -1234.5, 0])('%f comes back from its own text', (value) =>
    expect([typedNumber(exact(value, 'vi'), 'vi'), typedNumber(exact(value, 'en'), 'en')]).toEqual([value, value]),
  )
})

describe('times', () => {
  test('a silence over the turn of the year keeps both its hours', () => {
    const [from, until] = [at('2026-12-31T14:50:00Z'), at('2026-12-31T23:00:00Z')]
    expect([moment(from, from, ZONE), moment(until, from, ZONE)]).toEqual(['21:50', '01/01/2027 06:00'])
  })
  test('the clock is that of the province', () => expect(clock(at('2026-11-22T18:05:00Z'), ZONE)).toBe('01:05'))
  test('midnight is 00, not 24', () => expect(clock(at('2026-11-22T17:00:00Z'), ZONE)).toBe('00:00'))
  test.each([
    ['vi', 'Thứ Hai, 23/11/2026'],
    ['en', 'Monday, 23/11/2026'],
  ] as const)('date in %s, already the next day in the province', (language, text) =>
    expect(date(at('2026-11-22T18:05:00Z'), ZONE, speaker(language))).toBe(text),
  )

  const now = at('2026-11-23T01:42:00Z')
  test.each([
    ['today: the clock', '2026-11-23T01:15:00Z', '08:15'],
    ['yesterday in the province: the day too', '2026-11-22T16:59:00Z', '22/11 23:59'],
    ['another year: the date and the clock', '2025-11-23T01:15:00Z', '23/11/2025 08:15'],
  ])('moment of %s', (_, time, text) => expect(moment(at(time), now, ZONE)).toBe(text))

  test.each([
    ['not yet a second', 0.4, '0 giây'],
    ['a clock that ran back', -5, '0 giây'],
    ['under a minute', 59.9, '59 giây'],
    ['a minute', 60, '1 phút'],
    ['under an hour', 3599, '59 phút'],
    ['a whole hour', 7200, '2 giờ'],
    ['hours and minutes', 7800, '2 giờ 10'],
    ['minutes have two figures', 7500, '2 giờ 05'],
    ['a day and more is still hours', 90_000, '25 giờ'],
    ['two days', 172_800, '2 ngày'],
  ])('duration: %s', (_, seconds, text) => expect(duration(seconds, speaker('vi'))).toBe(text))
})
