/** Where a page sends somebody who has to log in, and where they come back to. */

import { at, inside } from '../address/base_path'
import { withLanguage } from '../address/page_address'
import type { Language } from '../i18n'

/** The page as its address shows it now, with what stands behind the #. */
export const here = (): string => location.pathname + location.search + location.hash

/** `back` is path, query and fragment of the page that they want. The fragment (a query of the lab can be long, and is
 * nobody's business on the way) stays a fragment: it is never sent to the centre. */
export function loginPath(back: string, language: Language): string {
  const [page = '', fragment = ''] = parted(back)
  const query = new URLSearchParams(inside(page) === '/' ? {} : { next: page })
  return at(`/login${withLanguage(query.toString(), language)}${fragment}`)
}

/** A page of this centre, or `otherwise`: an address must not lead elsewhere. */
export function cameFrom(search: string, fragment: string, otherwise: string): string {
  const next = new URLSearchParams(search).get('next') ?? ''
  return /^\/(?![/\\])/.test(next) && !inside(next).startsWith('/login')
    ? parted(next)[0] + (fragment || parted(next)[1])
    : otherwise
}

function parted(address: string): [string, string] {
  const hash = address.indexOf('#')
  return hash < 0 ? [address, ''] : [address.slice(0, hash), address.slice(hash)]
}
