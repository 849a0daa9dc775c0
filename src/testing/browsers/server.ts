import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import type { TestProject } from 'vitest/node';
import { headersFor } from '../../base/lib/securityHeaders.ts';
import { serveBuiltStudio } from './builtStudio.ts';

const probes = fileURLToPath(new URL('./probes/', import.meta.url));

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the built studio is served. */
    studioUrl: string;
    /** The folder it is built in. */
    studioFolder: string;
  }
}

/** Builds and serves the studio for all tests of the run; vitest's globalSetup. */
export default async function serveStudio(project: TestProject): Promise<() => Promise<void>> {
  const { url, folder, close } = await serveBuiltStudio([probePlugin()]);
  project.provide('studioUrl', url);
  project.provide('studioFolder', folder);
  return close;
}

/**
 * Serves src/testing/browsers/probes/ beside the studio: scripts under the studio's own origin, policy and isolation.
 */
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
