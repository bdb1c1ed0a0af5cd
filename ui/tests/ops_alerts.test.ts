import { describe, expect, test } from 'vitest'
import { timeLabels } from '../src/lib/format/axis'
import { Refused } from '../src/lib/api/request'
import { freshCritical } from '../src/lib/alerts/fresh_alerts'
import type { Alert } from '../src/lib/live/messages'
import { clashOf, rows, valueText } from '../src/pages/ops/conflict'
import { annotationsOf, isIncoming, linksOf } from '../src/pages/ops/alerts/incoming'
import { alert as anAlert } from './values'

const DAY_MS = 86_400_000

const alert = (other: Partial<Alert>): Alert => anAlert({ id: 'a', name: { vi: 'A', en: 'A' }, ...other })

describe('labels of a time axis', () => {
  test.each([
    ['a midnight that begins a month is a day among hours', 1, '{dd}/{MM}'],
    ['also in thirty days', 30, '{dd}/{MM}'],
    ['in a year a month is a month', 365, '{MM}/{yyyy}'],
  ])('%s', (_, days, label) => expect(timeLabels(0, days * DAY_MS).month).toBe(label))
})

describe('news for screen readers', () => {
  const one = (id: string, more: Partial<Alert> = {}): Alert => alert({ id, severity: 1, quiet: false, ...more })
  test('what is there at first is no news', () => expect(freshCritical([one('a')], null).fresh).toEqual([]))
  test('only new critical ones that make noise are', () => {
    const all = [one('a'), one('b'), one('c', { severity: 2 }), one('d', { quiet: true })]
    expect(freshCritical(all, new Set(['a'])).fresh.map(({ id }) => id)).toEqual(['b'])
  })
})

describe('a change from a version that is no longer in force', () => {
  const theirs = [
    { field: 'severity', before: 'low', after: 'high' },
    { field: 'fires_above', before: 5, after: 2_500_000 },
  ]
  const yours = [
    { field: 'fires_above', before: 2_500_000, after: 0.00001 },
    { field: 'owner', before: null, after: 'IOC' },
  ]
  const fault = { field: 'revision', message: 'm', code: 'changed_meanwhile', params: { by: 'lan', revision: 'r2' } }

  test('both sides stand beside each other, field by field', () => {
    const clash = clashOf(new Refused(409, 'd', [fault], { theirs, yours }))
    expect([clash?.by, clash?.revision]).toEqual(['lan', 'r2'])
    expect(clash && rows(clash)).toEqual([
      { field: 'severity', before: 'low', theirs: 'high', yours: 'high' },
      { field: 'fires_above', before: 5, theirs: 2_500_000, yours: 0.00001 },
      { field: 'owner', before: null, theirs: null, yours: 'IOC' },
    ])
  })
  test.each([new Refused(409, 'd'), new TypeError('network')])('another failure is none: %s', (error) =>
    expect(clashOf(error)).toBeNull(),
  )
  test('values as people read them', () =>
    expect([valueText(2_500_000, 'vi'), valueText(null, 'vi'), valueText(['a'], 'vi')]).toEqual([
      '2.500.000',
      '—',
      '["a"]',
    ]))
})

describe('alerts of other systems', () => {
  const theirs = alert({
    rule: 'demo.host.b2',
    labels: { source: 'demo' },
    matchers: ['alertname="Host"'],
    link: 'https://prom.example/g',
    annotations: { note: 'n', description: 'd', summary: 's', runbook_url: 'javascript:alert(1)' },
  })
  test('known by the sender and that no rule made them', () => {
    expect(isIncoming(theirs, new Map())).toBe(true)
    expect(
      isIncoming(alert({ rule: 'own', labels: { source: 'demo' }, matchers: ['rule="own"', 'unit="46"'] }), new Map()),
    ).toBe(false)
  })
  test('only pages of the web are links', () => expect(linksOf(theirs)).toEqual([['sender', 'https://prom.example/g']]))
  test('summary and description come first, and what is no link stays readable', () =>
    expect(annotationsOf(theirs).map(([name]) => name)).toEqual(['summary', 'description', 'note', 'runbook_url']))
})
