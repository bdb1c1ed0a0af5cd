/** Where a page sends somebody who has to log in, and where they come back to. */

import { withLanguage } from '../address/address'
import type { Language } from '../texts'

/** `back` is path and query of the page that they want. */
export function loginPath(back: string, language: Language): string {
  const query = new URLSearchParams(back === '/' ? {} : { next: back })
  return `/login${withLanguage(query.toString(), language)}`
}

/** A page of this centre, or `otherwise`: an address must not lead elsewhere. */
export function cameFrom(search: string, otherwise: string): string {
  const next = new URLSearchParams(search).get('next') ?? ''
  return /^\/(?![/\\])/.test(next) && !next.startsWith('/login') ? next : otherwise
}
