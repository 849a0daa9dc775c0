import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Plugin } from 'vite';
import { headersFile, headersFor, pagePolicy } from '../base/lib/securityHeaders.ts';

/** The dev server injects an inline script, allowed by its nonce, and uses a web socket. */
const NONCE = 'graft-dev';

function forDevelopment(policy: string): string {
  return policy
    .replace("script-src 'self'", `script-src 'self' 'nonce-${NONCE}'`)
    .replace(/connect-src '(self|none)'/, "connect-src 'self' ws:");
}

/**
 * Sends the headers of lib/securityHeaders.ts in dev and preview, and writes them into the built page and `_headers`.
 */
export function securityPlugin(): Plugin {
  const send =
    (change: (policy: string) => string) =>
    (request: IncomingMessage, response: ServerResponse, next: () => void) => {
      for (const [name, value] of Object.entries(headersFor(request.url ?? '/')))
        response.setHeader(name, name === 'Content-Security-Policy' ? change(value) : value);
      next();
    };
  return {
    name: 'graft-security',
    config: (_, { command, isPreview }) =>
      command === 'serve' && !isPreview ? { html: { cspNonce: NONCE } } : {},
    configureServer: (server) => void server.middlewares.use(send(forDevelopment)),
    configurePreviewServer: (server) => void server.middlewares.use(send((policy) => policy)),
    transformIndexHtml: {
      order: 'post',
      handler: (_, { server }) =>
        server
          ? []
          : [
              {
                tag: 'meta',
                attrs: { 'http-equiv': 'Content-Security-Policy', content: pagePolicy },
                injectTo: 'head-prepend',
              },
              { tag: 'meta', attrs: { name: 'referrer', content: 'no-referrer' }, injectTo: 'head-prepend' },
            ],
    },
    generateBundle() {
      if (this.environment?.name !== 'client') return;
      this.emitFile({ type: 'asset', fileName: '_headers', source: headersFile() });
    },
  };
}
