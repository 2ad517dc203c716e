import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

/** The server that `npm run dev` asks: `reprise serve` as it listens by itself. */
const server = process.env.REPRISE ?? 'http://127.0.0.1:8080';

export default defineConfig({
  base: '/console/',
  plugins: [svelte()],
  // Tests run Svelte as a browser does.
  ...(process.env.VITEST && { resolve: { conditions: ['browser'] } }),
  build: {
    target: 'es2022',
    // Nothing is put into the page itself: the server's content security policy allows no inline scripts or styles, nor `data:` fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 800,
  },
  server: {
    // Under the page's own host: the server refuses what comes from pages of another one.
    proxy: Object.fromEntries(
      ['/console/session', '/console/setup', '/console/password', '/console/call', '/console/feed', '/reprise/', '/v/', '/l/'].map(
        (path) => [path, { target: server }],
      ),
    ),
  },
});
