import { inside } from './lib/address/base_path'
import './lib/style/fonts.css'
import './lib/style/theme.css'
import { mount } from 'svelte'
import { language, page, theme } from './lib/address/page_address'

const shown = page(inside(location.pathname))
const tongue = language(location.search)
const prefersLight = matchMedia('(prefers-color-scheme: light)').matches
document.documentElement.dataset['theme'] = theme(location.search, prefersLight)

const target = document.getElementById('page') as HTMLElement
if (shown.kind === 'wall') {
  const [{ default: Wall }, { admitted }] = await Promise.all([import('./pages/wall/Wall.svelte'), import('./pages/wall/admission')])
  const tokenRefused = !(await admitted())
  mount(Wall, { target, props: { display: shown.display, initialLanguage: tongue, tokenRefused } })
} else if (shown.kind === 'ops') {
  const { default: Ops } = await import('./pages/ops/Ops.svelte')
  mount(Ops, { target, props: { initialLanguage: tongue } })
} else if (shown.kind === 'login') {
  const { default: Login } = await import('./pages/login/Login.svelte')
  mount(Login, { target, props: { initialLanguage: tongue } })
} else if (shown.kind === 'catalog') {
  const { default: Catalog } = await import('./pages/catalog/Catalog.svelte')
  mount(Catalog, { target, props: { initialLanguage: tongue } })
} else if (shown.kind === 'sources') {
  const { default: Sources } = await import('./pages/sources/Sources.svelte')
  mount(Sources, { target, props: { initialLanguage: tongue } })
} else if (shown.kind === 'lab') {
  const { default: Lab } = await import('./pages/lab/Lab.svelte')
  mount(Lab, { target, props: { initialLanguage: tongue } })
} else if (shown.kind === 'explore') {
  const { default: Explore } = await import('./pages/explore/Explore.svelte')
  mount(Explore, { target, props: { initialLanguage: tongue } })
} else if (shown.kind === 'reports') {
  const { default: Reports } = await import('./pages/reports/Reports.svelte')
  mount(Reports, { target, props: { initialLanguage: tongue } })
} else if (shown.kind === 'open') {
  const { default: Open } = await import('./pages/open/Open.svelte')
  mount(Open, { target, props: { initialLanguage: tongue } })
} else {
  const { default: NotBuilt } = await import('./pages/not-found/NotFound.svelte')
  mount(NotBuilt, { target, props: { page: shown, initialLanguage: tongue } })
}
