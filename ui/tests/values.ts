import type { KpiDefinition } from '../src/lib/kpi_values/shapes'
import type { Alert, KpiValue } from '../src/lib/live/messages'

/** A live value of 96.4 % of unit 46 against a target of at least 98, unless `other` says otherwise. */
export function kpi(other: Partial<KpiValue> = {}): KpiValue {
  return {
    id: 'dossier.on_time_rate',
    unit: '46',
    value: 96.4,
    unit_of_measure: '%',
    as_of: '2026-11-23T01:15:00Z',
    window: { from: '2026-10-31T17:00:00Z', to: '2026-11-23T01:42:00Z' },
    samples: 400,
    min_samples: 20,
    freshness: 'live',
    target: { year: 2026, at_least: 98, basis: '' },
    definition_version: 'v1',
    ...other,
  }
}

/** A count of dossiers, unless `other` says otherwise. */
export function definition(other: Partial<KpiDefinition> = {}): KpiDefinition {
  return {
    id: 'dossier.overdue_now',
    sector: 'public_services',
    name: { vi: 'Hồ sơ đang quá hạn', en: 'Dossiers overdue now' },
    short_name: {},
    unit_of_measure: 'hồ sơ',
    unit_of_measure_en: 'dossiers',
    window: 'now',
    digits: 0,
    version: 'v1',
    expression: { kind: 'count', of: 'dossier', where: 'closed_at is null' },
    min_samples: 1,
    fresh_within_s: null,
    targets: [],
    basis: '',
    roll_up: 'merge',
    per: ['province', 'commune'],
    bands: [],
    references: [],
    family: '',
    ...other,
  }
}

/** A high alert of unit 46 that nobody has acknowledged, unless `other` says otherwise. */
export function alert(other: Partial<Alert> = {}): Alert {
  const rule = other.rule ?? 'a'
  const since = other.since ?? '2026-11-23T01:15:00Z'
  return {
    id: `${rule}/${other.unit ?? '46'}/1`,
    rule,
    severity: 2,
    severity_word: 'high',
    kpi: '',
    sector: '',
    unit: '46',
    name: { vi: rule, en: rule },
    since,
    activeAt: since,
    state: 'firing',
    data: 'live',
    holder: '',
    holder_name: '',
    owner: '',
    handling: 'unacknowledged',
    suppression: [],
    handled: '',
    quiet: false,
    value: 1,
    unit_of_measure: '',
    digits: 0,
    limit: '',
    limits: {},
    labels: {},
    annotations: {},
    matchers: [],
    procedure: '',
    source: '',
    link: '',
    ...other,
  }
}
