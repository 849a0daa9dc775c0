import { execFile } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { preview, type Plugin } from 'vite';
import type { TestProject } from 'vitest/node';
import { headersFor } from '../../src/lib/securityHeaders.ts';

/** The project's folder. */
export const root = fileURLToPath(new URL('../../', import.meta.url));
const probes = join(root, 'e2e', 'harness', 'probes');

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the built studio is served. */
    studioUrl: string;
  }
}

/** Builds the studio as `npm start` does and serves it for all tests of the run; vitest's globalSetup. */
export default async function serveStudio(project: TestProject): Promise<() => Promise<void>> {
  // In a process of its own: inside vitest, NODE_ENV is "test" and React would be built for development.
  await promisify(execFile)(process.execPath, [join(root, 'node_modules/vite/bin/vite.js'), 'build'], {
    cwd: root,
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const server = await preview({
    root,
    plugins: [probePlugin()],
    preview: { host: '127.0.0.1', port: 4300, strictPort: false },
    logLevel: 'warn',
  });
  const url = server.resolvedUrls?.local[0];
  if (!url) throw new Error('the preview server has no address');
  project.provide('studioUrl', url);
  return () => server.close();
}

/** Serves e2e/harness/probes/ beside the studio: scripts under the studio's own origin, policy and isolation. */
function probePlugin(): Plugin {
  return {
    name: 'graft-probes',
    configurePreviewServer(server) {
      server.middlewares.use('/probes', (request, response, next) => {
        const path = join(probes, new URL(request.url ?? '/', 'http://localhost').pathname);
        if (!path.startsWith(probes) || !existsSync(path)) return next();
        for (const [key, value] of Object.entries(headersFor(request.url ?? '/')))
          response.setHeader(key, value);
        response.setHeader('Content-Type', path.endsWith('.js') ? 'text/javascript' : 'text/html');
        createReadStream(path).pipe(response);
      });
    },
  };
}
