/** The parts of the console, each with its address. */

import { at } from '../../lib/address/base_path'
export const VIEWS = ['alerts', 'incidents', 'silences', 'rules', 'routes', 'duty', 'audit', 'state'] as const
export type View = (typeof VIEWS)[number]

export function view(search: string): View {
  const asked = new URLSearchParams(search).get('view') as View
  return VIEWS.includes(asked) ? asked : 'alerts'
}

/** `search` is that of the page now: its language stays. */
export function viewPath(wanted: View, search: string): string {
  const query = new URLSearchParams(search)
  if (wanted === 'alerts') query.delete('view')
  else query.set('view', wanted)
  const text = query.toString()
  return at(`/ops${text ? `?${text}` : ''}`)
}
