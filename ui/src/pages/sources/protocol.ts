/** Sources and the ledger's accounts of them, as `/api/v1` gives them. */

import type { SourceState } from '../../lib/live/protocol'

export type Source = SourceState & {
  received: number
  rejected: number
  duplicate: number
  buffered: number
  rate_per_s: number
  expected_every_s: number | null
  reported_at: string
}

export type Account = {
  source: string
  received: number
  applied: number
  duplicate: number
  rejected: Record<string, number>
  in_flight: number
}

/** Result of reading refused records again. */
export type Replayed = {
  replayed: number
  duplicates: number
  refused: { key: string; reason: string; message: string }[]
  refused_count: number
  not_replayable: { key: string; message: string }[]
  not_replayable_count: number
  files: string[]
}

export type SourceRow = { source: Source; account: Account | null }
