/** Searching the data dictionary: views and columns by name and by what they mean. */

import { finds } from '../../lib/format/fold'
import type { Language } from '../../lib/i18n'
import { named } from '../../lib/i18n'
import type { View } from './shapes'

/** Views that match with all their columns, others with the columns that match. */
export function found(views: readonly View[], wanted: string, language: Language): View[] {
  if (!wanted.trim()) return [...views]
  return views.flatMap((view) => {
    if (finds(`${view.name} ${named(view.comment, language)}`, wanted)) return [view]
    const columns = view.columns.filter(({ name, comment }) => finds(`${name} ${named(comment, language)}`, wanted))
    return columns.length > 0 ? [{ ...view, columns }] : []
  })
}
