import { fileURLToPath } from 'node:url';
import { normalizePath, type Plugin } from 'vite';
import { readChatPageTexts } from '../hosts/node/chatPageTexts.ts';
import { readJobFiles } from '../hosts/node/jobFiles.ts';

/** Modules of hosts/node/ that read files of the repository, and what each exports. */
const readers = { 'jobFiles.ts': { readJobFiles }, 'chatPageTexts.ts': { readChatPageTexts } };

/** For bundles for Node, which lack those files: what they read is in the modules instead. */
export function embeddedFiles(): Plugin {
  const modules = new Map(
    Object.entries(readers).map(([file, exported]) => [
      normalizePath(fileURLToPath(new URL(`../hosts/node/${file}`, import.meta.url))),
      Object.entries(exported)
        .map(([name, read]) => `export const ${name} = () => (${JSON.stringify(read())});`)
        .join('\n'),
    ]),
  );
  return { name: 'graft-embedded-files', enforce: 'pre', load: (id) => modules.get(id) };
}
