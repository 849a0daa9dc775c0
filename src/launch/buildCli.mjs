// The command line as the package has it, for tests: it starts in a tenth of the time that its sources take.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import { root } from './project.mjs';

/**
 * Builds the command line into a folder that goes when this process ends.
 * @param entries further modules to build beside it, by name
 * @returns the folder: `cli.js`, and `NAME.js` for each of `entries`
 */
export async function buildCli(entries = {}) {
  // Below node_modules, where it finds its packages.
  const parent = join(root, 'node_modules', '.cache');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'graft-cli-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  await build({
    root,
    configFile: join(root, 'vite.package.config.ts'),
    logLevel: 'warn',
    build: { ssr: true, outDir: folder, rolldownOptions: { input: entries } },
  });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  return folder;
}
