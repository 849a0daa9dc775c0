import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const entry = fileURLToPath(new URL('./byRole.page.ts', import.meta.url));
let built: Promise<string> | undefined;

/**
 * A script that gives a page `findByRole`. Firefox's own search by role starts its accessibility engine, after which a click
 * takes ten seconds.
 */
export function byRoleScript(): Promise<string> {
  built ??= buildScript();
  return built;
}

async function buildScript(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, lib: { entry, formats: ['iife'], name: 'byRole' } },
  });
  if (!Array.isArray(result)) throw new Error('vite built no script');
  return result[0]!.output[0].code;
}
