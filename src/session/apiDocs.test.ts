import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { LibrarySession } from './librarySession.ts';

const read = (file: string) => readFileSync(fileURLToPath(new URL(file, import.meta.url)), 'utf8');
const documentation = read('../../docs/api.md');

/** The names in the first column of a table, which follows a title. */
function rowsOf(title: string): string[] {
  const section = documentation.split(`\n## ${title}\n`)[1]!.split('\n## ')[0]!;
  const cells = [...section.matchAll(/^\| (`[^|]*`) +\|/gm)];
  return [...new Set(cells.flatMap(([, cell]) => [...cell!.matchAll(/`(\w+)/g)].map(([, name]) => name!)))];
}

describe('docs/api.md', () => {
  it('names only methods that a session has', () => {
    const methods = rowsOf('The session');
    expect(methods.length).toBeGreaterThan(12);
    for (const name of methods) expect(LibrarySession.prototype, name).toHaveProperty(name);
  });

  it('lists every event', () => {
    const kinds = [...read('events.ts').matchAll(/kind: '(\w+)'/g)].map(([, kind]) => kind!);
    expect(rowsOf('Events').sort()).toEqual(kinds.sort());
  });

  it('lists every kind of error', () => {
    const [, kinds] = /type ErrorKind = ([^;]+);/.exec(read('../base/lib/errorKind.ts'))!;
    expect(rowsOf('Errors').sort()).toEqual([...kinds!.matchAll(/'(\w+)'/g)].map(([, kind]) => kind!).sort());
  });
});
