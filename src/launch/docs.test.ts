import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { folders } from './floors.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const documents = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** What paths in backticks begin with: from the top of the repository, or in the docs from src/. */
const tops = ['src', 'shaders', 'e2e', 'docs', 'public'];
const floors = new Set(folders.map((folder) => folder.split('/')[0]!));
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });

/** Whether there is a file or folder of that path, whose last part may have one `*`. */
function isThere(path: string): boolean {
  const [start, end] = basename(path).split('*');
  if (end === undefined) return existsSync(path);
  const names = existsSync(dirname(path)) ? readdirSync(dirname(path)) : [];
  return names.some((name) => name.startsWith(start!) && name.endsWith(end));
}

/** The paths in backticks of a document that name files or folders of the repository, but do not exist. */
function missingIn(text: string): string[] {
  const code = [...text.matchAll(/`([^`\s]+)`/g)].map(([, path]) => path!);
  return code.filter((path) => {
    const [top, ...rest] = path.split('/');
    if (rest.length === 0 || !/^[\w./*-]+$/.test(path)) return false;
    if (tops.includes(top!)) return !isThere(join(root, path));
    if (floors.has(top!)) return !isThere(join(root, 'src', path));
    // Relative to a folder, as in the tables of folders.
    return (
      path.endsWith('.ts') && !sources.some((source) => source.endsWith(`/${path}`)) && !path.includes('*')
    );
  });
}

/** The targets of a document's links within the repository, without their anchors. */
function linksIn(text: string): string[] {
  const inline = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  const named = [...text.matchAll(/^\[[^\]]+\]: (\S+)/gm)].map(([, target]) => target!);
  return [...inline, ...named].filter((target) => !/^[a-z]+:/.test(target));
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsIn(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}

describe.each(documents)('%s', (document) => {
  const text = readFileSync(join(root, document), 'utf8');

  it('names only files and folders that exist', () => {
    expect(missingIn(text)).toEqual([]);
  });

  it('links only to documents and headings that exist', () => {
    const broken = linksIn(text).filter((target) => {
      const [path, anchor] = target.split('#');
      const file = path ? join(root, dirname(document), path) : join(root, document);
      if (!existsSync(file)) return true;
      return anchor !== undefined && !anchorsIn(readFileSync(file, 'utf8')).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});
