import './lib/style/fonts.css'
import './lib/style/theme.css'
import { mount, type Component } from 'svelte'
import { inside } from './lib/address/base_path'
import { language, page, theme, type Page } from './lib/address/page_address'

/** A page's component, loaded when it is shown, and the properties that it needs beside the language. */
type Route<Kind extends Page['kind']> = {
  // Each component has properties of its own; svelte-check sees them where a component is used in another.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  load: () => Promise<{ default: Component<any> }>
  properties?: (shown: Extract<Page, { kind: Kind }>) => Promise<Record<string, unknown>>
}

const ROUTES: { [Kind in Page['kind']]: Route<Kind> } = {
  wall: {
    load: () => import('./pages/wall/Wall.svelte'),
    properties: async ({ display }) => {
      const { admitted } = await import('./pages/wall/admission')
      return { display, tokenRefused: !(await admitted()) }
    },
  },
  ops: { load: () => import('./pages/ops/Ops.svelte') },
  catalog: { load: () => import('./pages/catalog/Catalog.svelte') },
  sources: { load: () => import('./pages/sources/Sources.svelte') },
  lab: { load: () => import('./pages/lab/Lab.svelte') },
  explore: { load: () => import('./pages/explore/Explore.svelte') },
  reports: { load: () => import('./pages/reports/Reports.svelte') },
  open: { load: () => import('./pages/open/Open.svelte') },
  login: { load: () => import('./pages/login/Login.svelte') },
  unknown: { load: () => import('./pages/not-found/NotFound.svelte') },
}

async function show(shown: Page): Promise<void> {
  const { load, properties } = ROUTES[shown.kind] as Route<Page['kind']>
  const [{ default: component }, more] = await Promise.all([load(), properties?.(shown)])
  const target = document.getElementById('page') as HTMLElement
  mount(component, { target, props: { initialLanguage: language(location.search), ...more } })
}

const prefersLight = matchMedia('(prefers-color-scheme: light)').matches
document.documentElement.dataset['theme'] = theme(location.search, prefersLight)
await show(page(inside(location.pathname)))
