import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { preview, type Plugin } from 'vite';

/** The project's folder. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));
const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');

/** The studio as built for publication, and where it is served. */
export interface BuiltStudio {
  url: string;
  folder: string;
  /** Ends the server and deletes the folder. */
  close(): Promise<void>;
}

/** Builds the studio as `npm start` does, in a folder of its own, and serves it with its headers. */
export async function serveBuiltStudio(plugins: Plugin[] = []): Promise<BuiltStudio> {
  const folder = await mkdtemp(join(tmpdir(), 'graft-studio-'));
  // In a separate process: inside vitest, NODE_ENV is "test" and React would be built for development.
  await promisify(execFile)(process.execPath, [vite, 'build', '--outDir', folder, '--emptyOutDir'], {
    cwd: root,
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const server = await preview({
    root,
    plugins,
    build: { outDir: folder },
    preview: { host: '127.0.0.1', port: 4300, strictPort: false },
    logLevel: 'warn',
  });
  const url = server.resolvedUrls?.local[0];
  if (!url) throw new Error('the preview server has no address');
  return {
    url,
    folder,
    async close() {
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
}
