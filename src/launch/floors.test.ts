import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as prettier from 'prettier';
import { beforeAll, describe, expect, it } from 'vitest';
import { rulesFile } from './floorRules.ts';
import { floors, folders, foldersOf, mayImport } from './floors.ts';
import { withFloorTables } from './floorTables.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const rules = 'src/launch/floors.json';
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const others = (folder: string) => [...folders, 'e2e'].filter((other) => other !== folder);

/** Whether there is a file or folder of that path, whose last part may have one `*`. */
function isThere(path: string): boolean {
  const [start, end] = basename(path).split('*');
  if (end === undefined) return existsSync(path);
  const names = existsSync(dirname(path)) ? readdirSync(dirname(path)) : [];
  return names.some((name) => name.startsWith(start!) && name.endsWith(end));
}

describe('the table of folders', () => {
  it('has every folder of src/', () => {
    const groups = new Set(folders.filter((name) => name.includes('/')).map((name) => name.split('/')[0]!));
    const inside = (folder: string) =>
      readdirSync(join(root, 'src', folder), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name);
    const found = inside('').flatMap((name) =>
      groups.has(name) ? inside(name).map((part) => `${name}/${part}`) : [name],
    );
    expect([...folders].sort()).toEqual(found.sort());
  });

  it.each(folders)('names only folders and tests that exist: %s/', (folder) => {
    const { imports, types = [], tests } = floors[folder]!;
    for (const name of [...imports, ...types]) expect(foldersOf([name]), name).not.toEqual([]);
    for (const [, name] of tests.matchAll(/`([^` ]+)`/g)) {
      const places = [join(root, 'src', folder, name!), join(root, name!)];
      expect(places.some(isThere), name).toBe(true);
    }
  });

  it('has no folder that imports itself by way of others', () => {
    const below = (folder: string, seen = new Set<string>()): Set<string> => {
      for (const other of mayImport(folder).values) {
        if (!seen.has(other)) below(other, seen.add(other));
      }
      return seen;
    };
    expect(folders.filter((folder) => below(folder).has(folder))).toEqual([]);
  });

  // The rules know other folders by how a relative path to them begins.
  it('has no folder with a part of another’s name inside', () => {
    const starts = new Set([...folders, 'e2e'].flatMap((name) => [name.split('/')[0]!]));
    const clashes = folders.flatMap((folder) => {
      const siblings = folders.filter((other) => dirname(other) === dirname(folder) && other !== folder);
      const taken = new Set([...starts, ...siblings.map((name) => name.split('/').at(-1)!)]);
      const inside = readdirSync(join(root, 'src', folder), { recursive: true, withFileTypes: true });
      return (
        inside
          .filter((entry) => entry.isDirectory() && taken.has(entry.name))
          // Nothing is imported from one without modules.
          .filter(({ parentPath, name }) =>
            readdirSync(join(parentPath, name), { recursive: true }).some((file) =>
              /\.tsx?$/.test(`${file}`),
            ),
          )
          // The benchmark of peers installs them in its folder.
          .filter(({ parentPath }) => !parentPath.includes('node_modules'))
          .map(({ name }) => `${folder}: ${name}`)
      );
    });
    expect(clashes).toEqual([]);
  });

  it('is what the linter and the docs have: else run npm run floors', async () => {
    expect(read(rules)).toBe(rulesFile());
    const document = read('docs/architecture.md');
    const options = await prettier.resolveConfig(join(root, 'docs/architecture.md'));
    const text = await prettier.format(withFloorTables(document), { ...options, parser: 'markdown' });
    expect(document).toBe(text);
  });
});

/** Lints these files, by their paths, with the project's rules; gathers what was refused to each as an import. */
async function refusedImports(files: Record<string, string[]>): Promise<Record<string, string[]>> {
  const tree = mkdtempSync(join(tmpdir(), 'graft-floors-'));
  for (const file of ['.oxlintrc.json', rules]) {
    mkdirSync(join(tree, dirname(file)), { recursive: true });
    copyFileSync(join(root, file), join(tree, file));
  }
  for (const [file, lines] of Object.entries(files)) {
    mkdirSync(join(tree, dirname(file)), { recursive: true });
    writeFileSync(join(tree, file), lines.join('\n'));
  }
  const output = await new Promise<string>((resolve) => {
    const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
    execFile(
      process.execPath,
      [oxlint, '-f', 'json', '.'],
      { cwd: tree, maxBuffer: 1 << 26 },
      (_error, stdout) => resolve(stdout),
    );
  });
  rmSync(tree, { recursive: true });
  const { diagnostics } = JSON.parse(output) as {
    diagnostics: { code: string; message: string; filename: string }[];
  };
  const refused: Record<string, string[]> = Object.fromEntries(Object.keys(files).map((file) => [file, []]));
  for (const { code, message, filename } of diagnostics) {
    if (code !== 'eslint(no-restricted-imports)') continue;
    refused[filename.replaceAll('\\', '/')]!.push(/^'([^']+)'/.exec(message)?.[1] ?? message);
  }
  return refused;
}

/** How a file at `depth` inside a folder writes the path to another folder: with or without the name of a shared floor. */
function pathsBetween(folder: string, depth: string, other: string): string[] {
  const up = [...folder.split('/'), ...depth.split('/').filter(Boolean)];
  const toSource = '../'.repeat(up.length);
  if (other === 'e2e') return [`${toSource}../e2e/x.ts`];
  const isSibling = folder.includes('/') && dirname(folder) === dirname(other);
  const short = `${'../'.repeat(up.length - 1)}${other.split('/').at(-1)!}/x.ts`;
  return isSibling ? [short, `${toSource}${other}/x.ts`] : [`${toSource}${other}/x.ts`];
}

describe.each([
  ['values', 'import', ''],
  ['values, one folder down,', 'import', 'part/'],
  ['values, two folders down,', 'import', 'part/inner/'],
  ['types', 'import type', ''],
  ['types, two folders down,', 'import type', 'part/inner/'],
] as const)('the linter, on imports of %s', (_what, keyword, depth) => {
  let refused: Record<string, string[]>;
  beforeAll(async () => {
    const files = folders.map((folder) => {
      const paths = others(folder).flatMap((other) => pathsBetween(folder, depth, other));
      const lines = paths.map((path, i) => `${keyword} { x as x${i} } from '${path}';`);
      return [`src/${folder}/${depth}x.ts`, lines] as const;
    });
    refused = await refusedImports(Object.fromEntries(files));
  });

  it.each(folders)('keeps the floors of %s/', (folder) => {
    const { values, types } = mayImport(folder);
    const allowed = keyword === 'import type' ? [...values, ...types] : values;
    const expected = others(folder)
      .filter((other) => !allowed.includes(other))
      .flatMap((other) => pathsBetween(folder, depth, other));
    expect(refused[`src/${folder}/${depth}x.ts`]!.sort()).toEqual(expected.sort());
  });
});

it('the linter lets tests import all of src/, but nothing of e2e/, which may import all of src/', async () => {
  const lines = (folder: string) =>
    others(folder)
      .flatMap((other) => pathsBetween(folder, '', other))
      .map((path, i) => `import { x as x${i} } from '${path}';`);
  const tests = folders.map((folder) => [`src/${folder}/x.test.ts`, lines(folder)] as const);
  const e2e = folders.map((folder, i) => `import { x as x${i} } from '../src/${folder}/x.ts';`);
  const refused = await refusedImports({ ...Object.fromEntries(tests), 'e2e/x.ts': e2e });
  expect(refused).toEqual({
    'e2e/x.ts': [],
    ...Object.fromEntries(
      folders.map((folder) => [`src/${folder}/x.test.ts`, pathsBetween(folder, '', 'e2e')]),
    ),
  });
});

it('the linter keeps Node and packages to the folders they belong to', async () => {
  const packages = [...new Set(folders.flatMap((folder) => floors[folder]!.packages ?? []))];
  const modules = ['node:fs', 'webgpu', ...packages];
  const lines = modules.map((name, i) => `import x${i} from '${name}';`);
  const nameFor = (folder: string) => {
    const { node } = floors[folder]!;
    return typeof node === 'string' ? node.replace('*', 'X') : 'y.ts';
  };
  const files = folders.flatMap((folder) => [`src/${folder}/x.ts`, `src/${folder}/${nameFor(folder)}`]);
  const refused = await refusedImports(Object.fromEntries(files.map((file) => [file, lines])));
  for (const folder of folders) {
    const { node, packages: own = [] } = floors[folder]!;
    const foreign = packages.filter((name) => !own.includes(name));
    const nodes = ['node:fs', 'webgpu'];
    const inAll = node === true ? foreign : [...nodes, ...foreign];
    expect(refused[`src/${folder}/x.ts`]!.sort()).toEqual(inAll.sort());
    const named = node === undefined ? inAll : foreign;
    expect(refused[`src/${folder}/${nameFor(folder)}`]!.sort()).toEqual(named.sort());
  }
});
