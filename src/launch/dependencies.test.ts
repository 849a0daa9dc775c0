import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
  scripts: Record<string, string>;
};

/** What a file imports at run time: `import type` is gone by then. */
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(?!type\b)(?:[^'";]*?\bfrom\s*)?'([^']+)'|\bimport\('([^']+)'\)/g;

/** The packages that files reach from `start`, each with a file that imports it. */
function packagesFrom(start: readonly string[]): Map<string, string> {
  const [packages, seen] = [new Map<string, string>(), new Set<string>()];
  const waiting = start.map((file) => join(root, file));
  while (waiting.length > 0) {
    const file = waiting.pop()!;
    if (seen.has(file)) continue;
    seen.add(file);
    for (const [, statement, call] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      const name = statement ?? call!;
      if (name.startsWith('.')) {
        const path = join(dirname(file), name);
        expect(existsSync(path), `${relative(root, file)} imports ${name}`).toBe(true);
        waiting.push(path);
      } else if (!name.startsWith('node:') && !builtinModules.includes(name)) {
        const [scope, ...rest] = name.split('/');
        packages.set(scope!.startsWith('@') ? `${scope}/${rest[0]}` : scope!, relative(root, file));
      }
    }
  }
  // Else this test has followed nothing.
  expect(seen.size).toBeGreaterThan(200);
  return packages;
}

test('the command line and the package for Node need dependencies alone, as npm ci --omit=dev installs them', () => {
  const needed = packagesFrom(['src/hosts/node/cli/main.ts', 'src/hosts/node/api.ts']);
  expect([...needed.keys()]).toContain('webgpu');
  const missing = [...needed].filter(([name]) => !(name in manifest.dependencies));
  expect(missing).toEqual([]);
});

test('npm run graft starts with dependencies alone', () => {
  const [, loader] = /^node --import (\S+) src\/hosts\/node\/cli\/main\.ts$/.exec(manifest.scripts.graft!)!;
  expect(Object.keys(manifest.dependencies)).toContain(loader);
});
