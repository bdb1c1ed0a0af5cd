import { describe, expect, test } from 'vitest'
import type { Alert, Severity } from '../src/lib/live/messages'
import { limitsOf } from '../src/pages/ops/rule_limits'
import { draw } from '../src/pages/ops/alerts/limit_lines'
import { matcherOf, matcherText, ofAlert, written } from '../src/pages/ops/silences/matchers'
import type { Matcher } from '../src/pages/ops/shapes'
import { counts, filtered, sorted, WORST_FIRST } from '../src/pages/ops/alerts/alert_rows'
import { view, viewPath } from '../src/pages/ops/views'
import { limitText } from '../src/pages/ops/alert_text'
import { cameFrom, loginPath } from '../src/lib/auth/login_path'
import { causes } from '../src/lib/alerts/alert_groups'
import { alert as anAlert } from './values'

function alert(rule: string, severity: Severity, since: string, other: Partial<Alert> = {}): Alert {
  return anAlert({
    rule,
    severity,
    kpi: 'lgsp.rate',
    name: { vi: `Cảnh báo ${rule}`, en: `Alert ${rule}` },
    since: `2026-11-23T${since}:00Z`,
    limit: '> 1',
    labels: { rule, unit: other.unit ?? '46' },
    ...other,
  })
}
const matcher = (label: string, value: string, sign: Matcher['sign'] = '='): Matcher => ({ label, sign, value })
const names = { units: new Map(), language: 'vi' as const, names: new Map([['lan', 'Nguyễn Lân']]) }

describe('alert table', () => {
  const all = [
    alert('b', 3, '01:00'),
    alert('a', 1, '00:00', { handling: 'acknowledged', holder: 'lan' }),
    alert('c', 1, '02:00'),
    alert('d', 4, '03:00', { handling: 'shelved', quiet: true }),
    alert('e', 2, '03:00', { suppression: [{ kind: 'silenced_by', of: 's1', text: '', texts: {} }], quiet: true }),
  ]
  test('what is put aside or silenced is not counted as present', () =>
    expect(counts(all)).toEqual({ now: 3, unheld: 2, shelved: 1, silenced: 1, 1: 2, 2: 0, 3: 1, 4: 0 }))
  test.each([
    ['now', '', 'bac'],
    ['unheld', '', 'bc'],
    ['shelved', '', 'd'],
    ['silenced', '', 'e'],
    [1, '', 'ac'],
    ['now', 'nguyen lan', 'a'],
    ['now', 'CANH bao', 'bac'],
  ] as const)('of "%s" with "%s" are left %s', (show, wanted, left) =>
    expect(
      filtered(all, show, wanted, names.units, names.names)
        .map(({ rule }) => rule)
        .join(''),
    ).toBe(left),
  )
  test('the gravest first, of these the newest', () =>
    expect(
      sorted(all, WORST_FIRST, names)
        .map(({ rule }) => rule)
        .join(''),
    ).toBe('caebd'))
})

describe('matchers', () => {
  test.each([matcher('rule', 'a"b'), matcher('unit', '197.*', '=~'), matcher('rule', '')])(
    'written and read again: %o',
    (one) => expect(matcherOf(matcherText(one))).toEqual(one),
  )
  test('a quote is kept', () => expect(matcherText(matcher('rule', 'a"b'))).toBe('rule="a\\"b"'))
  test('rows without label or value are not yet written', () =>
    expect(written([matcher('rule', ' '), matcher('', 'a'), matcher('rule', 'a')])).toHaveLength(1))
  test('a silence begins with what the centre says of the alert', () =>
    expect(ofAlert(alert('a', 1, '00:00', { matchers: ['source="prom"', 'alertname="HostDown"', 'odd'] }))).toEqual([
      matcher('source', 'prom'),
      matcher('alertname', 'HostDown'),
    ]))
})

describe('a flood on the wall', () => {
  const flood = [
    alert('a', 2, '00:05', { unit: '1' }),
    alert('a', 2, '00:01', { unit: '2', holder: 'Lân' }),
    alert('b', 1, '00:09'),
  ]
  test('each for itself while they fit', () => expect(causes(flood, 3)).toHaveLength(3))
  test('else by rule, with the first time and those that nobody has', () => {
    const [first, second] = causes(flood, 2)
    expect(first?.key).toBe('b')
    expect([second?.places, second?.since, second?.unheld]).toEqual([2, '2026-11-23T00:01:00Z', 1])
  })
  test('what is over comes last, however grave; of several only when all are', () => {
    const over = [
      alert('b', 1, '00:09', { state: 'recovering' }),
      alert('a', 2, '00:05', { state: 'recovering' }),
      alert('a', 2, '00:01', { unit: '2' }),
    ]
    expect(causes(over, 2).map(({ key, over }) => [key, over])).toEqual([
      ['a', false],
      ['b', true],
    ])
  })
})

test.each([
  ['above', { fires_above: 5, clears_below: 4 }, [5, null, 4, null]],
  ['a band', { fires_outside: [1, 9], clears_inside: [2, 8] }, [9, 1, 8, 2]],
  ['the first of several', { any: [{ fires_below: 3 }, { fires_above: 9 }] }, [null, 3, null, null]],
  ['missing data', { missing: true }, [null, null, null, null]],
])('limits of a rule: %s', (_, fields, [above, below, clearsBelow, clearsAbove]) =>
  expect(limitsOf(fields as never)).toEqual({
    fires_above: above,
    fires_below: below,
    clears_below: clearsBelow,
    clears_above: clearsAbove,
  }),
)

test('a line with a gap, its limits, and the shade since the alert', () => {
  const points = [1, null, 3, 4].map((value, i) => ({ time: new Date(i * 1000).toISOString(), value, samples: 1 }))
  const drawn = draw(
    points,
    limitsOf({ fires_above: 2 }),
    2000,
    { from_ms: 0, to_ms: 4000 },
    { width: 400, height: 100, left: 0, top: 0, bottom: 0 },
  )
  expect(drawn.path.match(/M/g)).toHaveLength(2)
  expect([drawn.since_x, drawn.gaps, drawn.limits.length]).toEqual([200, 1, 1])
})

test.each([
  [{ limit: '> 2.25' }, '> 2,25', '> 2.25'],
  [{ limit: '< -3, > 2500000' }, '< −3, > 2.500.000', '< −3, > 2,500,000'],
  [{ limit: '> 1e-05' }, '> 0,00001', '> 0.00001'],
  [{ limit: '> 5', limits: { vi: '> 5 (vi)', en: '> 5 (en)' } }, '> 5 (vi)', '> 5 (en)'],
])('a limit as readers write it: %o', (alert, vi, en) =>
  expect([limitText({ limits: {}, ...alert }, 'vi'), limitText({ limits: {}, ...alert }, 'en')]).toEqual([vi, en]),
)

describe('addresses', () => {
  test.each([
    ['?view=silences', 'silences'],
    ['?view=nothing', 'alerts'],
    ['', 'alerts'],
  ])('%s shows %s', (search, shown) => expect(view(search)).toBe(shown))
  test('the language stays', () => expect(viewPath('rules', '?lang=en')).toBe('/ops?lang=en&view=rules'))
  test.each([
    ['?next=%2Fops%3Fview%3Drules', '', '/ops?view=rules'],
    ['?next=%2Fops', '#incident=7', '/ops#incident=7'],
    ['?next=%2Flab%23sql%3DSELECT%201', '', '/lab#sql=SELECT 1'],
    ['?next=%2F%2Felsewhere.example', '#x', '/x'],
    ['?next=https%3A%2F%2Felsewhere.example', '', '/x'],
    ['?next=%2Flogin', '', '/x'],
    ['', '', '/x'],
  ])('after logging in by %s%s: %s', (search, fragment, path) => expect(cameFrom(search, fragment, '/x')).toBe(path))
  test.each([
    ['/ops?view=rules', '/login?next=%2Fops%3Fview%3Drules&lang=en'],
    ['/lab?view=chart#sql=SELECT%201', '/login?next=%2Flab%3Fview%3Dchart&lang=en#sql=SELECT%201'],
  ])('where to log in from %s', (back, path) => expect(loginPath(back, 'en')).toBe(path))
})
