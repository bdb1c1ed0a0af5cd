import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

const centre = 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [svelte({ configFile: false })],
  build: {
    outDir: '../ioc/api/static',
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 700, // kB: the charts' library, which only the pages with charts load
    license: { fileName: 'licenses.json' },
    assetsInlineLimit: 0, // every asset is a file of the centre: a strict content policy needs no data: addresses
    modulePreload: { polyfill: false },
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  // Scripts and styles name what they load by where they lie themselves, so that the centre may lie below any path.
  experimental: { renderBuiltUrl: (_name, { hostType }) => (hostType === 'html' ? undefined : { relative: true }) },
  server: { proxy: { '/api': centre, '/ws': { target: centre, ws: true } } },
  test: { include: ['tests/**/*.test.ts'] },
})
