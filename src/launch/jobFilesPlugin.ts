import { fileURLToPath } from 'node:url';
import { normalizePath, type Plugin } from 'vite';
import { readJobFiles } from '../hosts/node/jobFiles.ts';

/** For bundles for Node: it reads content/job/files/ of the repository, which they lack. */
export function embeddedJobFiles(): Plugin {
  const reader = normalizePath(fileURLToPath(new URL('../hosts/node/jobFiles.ts', import.meta.url)));
  return {
    name: 'graft-embedded-job-files',
    enforce: 'pre',
    load: (id) =>
      id === reader ? `export const readJobFiles = () => (${JSON.stringify(readJobFiles())});` : undefined,
  };
}
