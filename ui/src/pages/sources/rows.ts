/** Sources with their accounts, the worst first. */

import { finds } from '../../lib/format/fold'
import { WORST } from '../../lib/format/source_condition'
import type { Language } from '../../lib/i18n'
import { messageText } from '../../lib/i18n/messages'
import type { Account, Source, SourceRow } from './shapes'

export function sourceRows(sources: readonly Source[], accounts: readonly Account[], wanted: string): SourceRow[] {
  const bySource = new Map(accounts.map((account) => [account.source, account]))
  return sources
    .filter(({ source, name }) => finds(`${source} ${name.vi} ${name.en}`, wanted))
    .map((source) => ({ source, account: bySource.get(source.source) ?? null }))
    .sort(
      ({ source: a }, { source: b }) =>
        WORST.indexOf(a.condition) - WORST.indexOf(b.condition) || (a.source < b.source ? -1 : 1),
    )
}

/** What is wrong with a source, in the reader's language; empty when nothing is. */
export const errorText = (
  { error: message, error_code: code, error_params: params, error_nested: nested }: Source,
  language: Language,
): string => messageText({ message, code, params, nested }, language)

/** Reasons with how often each was given, the most frequent first. */
export function reasons({ account }: SourceRow): [string, number][] {
  return Object.entries(account?.rejected ?? {}).sort(([, a], [, b]) => b - a)
}
