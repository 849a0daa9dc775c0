import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What each folder may import, type-only imports apart: the floors of docs/architecture.md. */
const allowed: Record<string, string[]> = {
  ui: ['store', 'config', 'lib'],
  store: ['workers', 'data', 'hub', 'storage', 'formats', 'config', 'lib'],
  workers: [
    'tuning',
    'speed',
    'train',
    'infer',
    'merge',
    'model',
    'kernels',
    'gpu',
    'data',
    'hub',
    'storage',
    'formats',
    'config',
    'lib',
  ],
  cli: [
    'tuning',
    'train',
    'infer',
    'merge',
    'model',
    'kernels',
    'gpu',
    'data',
    'hub',
    'storage',
    'formats',
    'config',
    'lib',
  ],
  tuning: ['speed', 'train', 'model', 'kernels', 'gpu', 'data', 'hub', 'storage', 'formats', 'config', 'lib'],
  speed: ['train', 'model', 'kernels', 'gpu', 'data', 'hub', 'storage', 'formats', 'config', 'lib'],
  train: ['model', 'kernels', 'gpu', 'data', 'hub', 'storage', 'formats', 'config', 'lib'],
  infer: ['model', 'kernels', 'gpu', 'data', 'hub', 'storage', 'formats', 'config', 'lib'],
  merge: ['model', 'kernels', 'gpu', 'data', 'hub', 'storage', 'formats', 'config', 'lib'],
  model: ['kernels', 'gpu', 'data', 'hub', 'storage', 'formats', 'config', 'lib'],
  kernels: ['gpu', 'data', 'hub', 'storage', 'formats', 'config', 'lib'],
  gpu: ['data', 'hub', 'storage', 'formats', 'config', 'lib'],
  data: ['hub', 'storage', 'formats', 'config', 'lib'],
  hub: ['storage', 'formats', 'config', 'lib'],
  storage: ['formats', 'config', 'lib'],
  formats: ['config', 'lib'],
  config: ['lib'],
  lib: [],
};
const folders = Object.keys(allowed);

/** Type-only imports that are allowed on top. */
const allowedTypes: Record<string, string[]> = {
  ui: ['workers'],
  store: ['tuning', 'speed', 'train', 'infer', 'merge', 'model', 'kernels', 'gpu'],
  formats: ['storage'],
};

/** Lints a tree in which every folder re-exports from every other one, and gathers what was refused. */
async function refusedImports(
  keyword: 'export' | 'export type',
  depth: string,
): Promise<Record<string, string[]>> {
  const tree = mkdtempSync(join(tmpdir(), 'graft-floors-'));
  copyFileSync(join(root, '.oxlintrc.json'), join(tree, '.oxlintrc.json'));
  const up = depth === '' ? '..' : '../..';
  for (const folder of folders) {
    const others = [...folders, 'testing', 'launch'].filter((other) => other !== folder);
    const lines = others.map((other) => `${keyword} { x as ${other} } from '${up}/${other}/x.ts';`);
    mkdirSync(join(tree, 'src', folder, depth), { recursive: true });
    writeFileSync(join(tree, 'src', folder, depth, 'x.ts'), lines.join('\n'));
  }
  const output = await new Promise<string>((resolve) => {
    const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
    execFile(process.execPath, [oxlint, '-f', 'json', 'src'], { cwd: tree }, (_error, stdout) =>
      resolve(stdout),
    );
  });
  rmSync(tree, { recursive: true });
  const { diagnostics } = JSON.parse(output) as {
    diagnostics: { code: string; message: string; filename: string }[];
  };
  const refused: Record<string, string[]> = Object.fromEntries(folders.map((folder) => [folder, []]));
  for (const { code, message, filename } of diagnostics) {
    if (code !== 'eslint(no-restricted-imports)') continue;
    const [, folder = ''] = filename.replaceAll('\\', '/').split('/');
    refused[folder]!.push(/\.\.\/(\w+)\/x\.ts/.exec(message)?.[1] ?? message);
  }
  return refused;
}

describe.each([
  ['values', 'export', ''],
  ['values from a folder below', 'export', 'part'],
  ['types', 'export type', ''],
] as const)('the linter, on imports of %s', (_what, keyword, depth) => {
  let refused: Record<string, string[]>;
  beforeAll(async () => {
    refused = await refusedImports(keyword, depth);
  });

  it.each(folders)('keeps the floors of %s/', (folder) => {
    const may = [...allowed[folder]!, ...(keyword === 'export type' ? (allowedTypes[folder] ?? []) : [])];
    const expected = [...folders, 'testing', 'launch'].filter(
      (other) => other !== folder && !may.includes(other),
    );
    expect(refused[folder]!.sort()).toEqual(expected.sort());
  });
});
