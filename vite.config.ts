import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { wgslPlugin } from './src/launch/wgslPlugin.ts';

/**
 * What the page may do. Scripts and workers come from its own origin only; it may ask any https server for
 * models; styles may be inline because React Aria and uPlot set some.
 */
const contentSecurityPolicy = [
  "default-src 'self'",
  // Hashes are WebAssembly.
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "connect-src 'self' https: http://localhost:* http://127.0.0.1:* blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Cross-origin isolation: precise timers, and SharedArrayBuffer where a library wants it. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Writes the policy into the built page, so that it holds on any static host. */
function contentSecurityPolicyPlugin(): Plugin {
  return {
    name: 'graft-content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: contentSecurityPolicy },
        injectTo: 'head-prepend',
      },
    ],
  };
}

export default defineConfig({
  // Relative addresses, so that dist/ works in any folder of any host.
  base: './',
  plugins: [react(), wgslPlugin(), contentSecurityPolicyPlugin()],
  worker: { format: 'es', plugins: () => [wgslPlugin()] },
  build: { target: 'es2023', sourcemap: true },
  server: { headers: isolation },
  preview: { headers: { ...isolation, 'Content-Security-Policy': contentSecurityPolicy } },
});
