import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../testing/cli.ts';
import { caught, expectGraftError } from '../testing/errors.ts';
import { MemoryDirectory } from './memoryDirectory.ts';
import { nodeDirectory } from './nodeDirectory.ts';
import { nodeLocks } from './nodeLocks.ts';
import type { Directory } from './types.ts';

const root = scratchFolder();
const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(values);
let count = 0;

describe.each<[string, () => Directory]>([
  ['MemoryDirectory', () => new MemoryDirectory('m')],
  ['nodeDirectory', () => nodeDirectory(join(root, `sub/${(count += 1)}`))],
])('%s', (_, make) => {
  it('is empty before anything is written', async () => {
    const directory = make();
    expect([await directory.list(), await directory.directories()]).toEqual([[], []]);
    await directory.removeDirectory('none');
  });

  it('has files changed in place, at any offset', async () => {
    const directory = await make().directory('a');
    const file = await directory.edit('x');
    await file.write(4, bytes(5, 6));
    expect(await file.read(0, 6)).toEqual(bytes(0, 0, 0, 0, 5, 6));
    await Promise.all([file.write(0, bytes(1, 2)), file.write(2, bytes(3, 4))]);
    expect(await file.read(1, 4)).toEqual(bytes(2, 3, 4, 5));
    await expectGraftError(() => file.read(3, 4), 'storage.short_read', { file: 'x', size: 6 });
    await file.truncate(3);
    await file.truncate(5);
    expect([await file.size(), await file.read(0, 5)]).toEqual([5, bytes(1, 2, 3, 0, 0)]);
    await file.flush();
    await file.close();
    await file.close();
    const again = await directory.edit('x');
    expect(await again.read(0, 3)).toEqual(bytes(1, 2, 3));
    await again.close();
    expect(await (await directory.open('x')).read(2, 3)).toEqual(bytes(3, 0, 0));
  });

  it('lists and removes folders', async () => {
    const directory = make();
    for (const name of ['b', 'a']) await (await (await directory.directory(name)).edit('x')).close();
    expect([await directory.directories(), await directory.list()]).toEqual([['a', 'b'], []]);
    await directory.removeDirectory('a');
    expect(await directory.directories()).toEqual(['b']);
    expect(await (await directory.directory('b')).list()).toEqual(['x']);
  });

  it.each(['', '..', 'a/b', 'a\\b', 'c:x'])('refuses the name “%s”', async (name) => {
    const directory = make();
    await expectGraftError(() => directory.directory(name), 'storage.bad_name');
    await expectGraftError(() => directory.edit(name), 'storage.bad_name');
    if (directory instanceof MemoryDirectory) return;
    await expectGraftError(() => directory.removeDirectory(name), 'storage.bad_name');
  });
});

describe('nodeLocks', () => {
  const folder = join(root, 'locks');
  const locks = nodeLocks(folder);

  it('lets one work at a time, and is given back after an error', async () => {
    const order: string[] = [];
    const work = async (name: string) => {
      order.push(`${name}+`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      order.push(`${name}-`);
    };
    let waited = 0;
    const onWait = () => (waited += 1);
    await Promise.all(['a', 'b'].map((name) => locks.hold('one', () => work(name), { onWait })));
    expect(order.map((entry) => entry.slice(1)).join('')).toBe('+-+-');
    expect(waited).toBe(1);
    const failed = await caught(() => locks.hold('one', () => Promise.reject(new Error('x'))));
    expect(failed).toMatchObject({ message: 'x' });
    expect(await locks.hold('one', async () => 7)).toBe(7);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('stops waiting when told to', async () => {
    const stop = new AbortController();
    await locks.hold('two', async () => {
      const waiting = locks.hold('two', async () => 1, { signal: stop.signal, onWait: () => stop.abort() });
      expect(await caught(() => waiting)).toMatchObject({ name: 'AbortError' });
    });
  });

  it('takes over from a process that died, or stopped touching its lock', async () => {
    mkdirSync(folder, { recursive: true });
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => child.on('close', resolve));
    const file = join(folder, 'dead.lock');
    writeFileSync(file, String(child.pid));
    expect(await locks.hold('dead', async () => readFileSync(file, 'utf8'))).toBe(String(process.pid));
    writeFileSync(file, String(process.pid));
    const old = new Date(Date.now() - 120_000);
    utimesSync(file, old, old);
    expect(await locks.hold('dead', async () => 2)).toBe(2);
    expect(existsSync(file)).toBe(false);
  });
});
