import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Plugin } from 'vite';

const SCRIPT = 'sw.js';

/** Files that the page can do without offline: source maps, files for hosts, and the 10 MB of an exported chat page. */
const LEFT_OUT = /\.map$|^_headers$|^sw\.js$|^assets\/(?:wllama|index\.min)-/;

/** Builds the service worker beside the page, with a list of all files and their SHA-256. */
export function offlinePlugin(): Plugin {
  let folder = 'dist';
  return {
    name: 'graft-offline',
    apply: 'build',
    config: () => ({
      build: {
        rolldownOptions: {
          input: { index: 'index.html', sw: 'src/studio/ui/offline/serviceWorker.ts' },
          output: { entryFileNames: ({ name }) => (name === 'sw' ? SCRIPT : 'assets/[name]-[hash].js') },
        },
      },
    }),
    configResolved(config) {
      folder = config.build.outDir;
    },
    // Files of public/ are already there.
    writeBundle: async () => {
      const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
      const listed: Record<string, string> = {};
      for (const file of files.toSorted()) {
        const path = relative(folder, file).split(sep).join('/');
        if (LEFT_OUT.test(path)) continue;
        const digest = createHash('sha256').update(await readFile(file));
        // Hosts serve the start page for the folder, and may not serve it by name.
        listed[path === 'index.html' ? './' : path] = digest.digest('base64');
      }
      const script = join(folder, SCRIPT);
      const source = await readFile(script, 'utf8');
      if (!source.includes('self.graftFiles')) throw new Error(`${SCRIPT} asks for no list of files`);
      await writeFile(
        script,
        source.replace('self.graftFiles', () => JSON.stringify(listed)),
      );
    },
  };
}
