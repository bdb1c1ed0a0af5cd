/** Names for sources and their accounts in the ledger. */

import type { ReplayShape, SourceAccountShape, SourceShape } from '../../lib/api/schema'

export type Source = SourceShape
export type Account = SourceAccountShape
/** Result of reading refused records again. */
export type Replayed = ReplayShape
export type SourceRow = { source: Source; account: Account | null }
