// How the pages are built: into plain files under `dist/` that `footfall-hq` carries inside itself.
//
// Nothing is inlined: head office allows scripts, styles, pictures and fonts from itself only, so a `data:` address would not load.

import { defineConfig, type Plugin } from 'vite';

import { answer } from './dev/answers';

/** What head office sends with every page; previews send it too, so that a breach shows before it ships. */
const POLICY = [
  "default-src 'none'",
  ...['script', 'style', 'font', 'connect', 'manifest'].map((kind) => `${kind}-src 'self'`),
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Answers the API from made-up stores, for work on pages without a head office. */
function madeUp(): Plugin {
  return {
    name: 'made-up-head-office',
    configureServer: (server) => void server.middlewares.use(answer),
    configurePreviewServer: (server) => void server.middlewares.use(answer),
  };
}

// A real head office to work against: `HQ_URL=http://127.0.0.1:8090 npm run dev`.
const headOffice = process.env['HQ_URL'];
// It takes what its own pages send only, so what comes through here says that it does.
const fromItself = headOffice ? { origin: new URL(headOffice).origin } : {};
const proxy = headOffice ? { '/api': { target: headOffice, changeOrigin: true, headers: fromItself } } : undefined;

export default defineConfig({
  plugins: headOffice ? [] : [madeUp()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { host: '127.0.0.1', ...(proxy ? { proxy } : {}) },
  preview: {
    host: '127.0.0.1',
    headers: { 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff' },
    ...(proxy ? { proxy } : {}),
  },
});
