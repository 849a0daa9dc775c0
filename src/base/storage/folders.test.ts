import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { expectGraftError } from '../../testing/errors.ts';
import { blobSource, renamedSource } from './byteSource.ts';
import { fileFolder } from './fileFolder.ts';
import { MemoryFolder } from './memoryFolder.ts';
import { nodeFolder } from './nodeFolder.ts';
import { storageError } from './storageError.ts';
import type { WritableFolder } from './types.ts';

const root = mkdtempSync(join(tmpdir(), 'graft-storage-'));
afterAll(() => rmSync(root, { recursive: true }));

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(values);
let count = 0;

describe.each<[string, () => WritableFolder]>([
  ['MemoryFolder', () => new MemoryFolder('m')],
  ['nodeFolder', () => nodeFolder(join(root, `sub/${count}`))],
])('%s', (_, make) => {
  let folder: WritableFolder;
  beforeEach(async () => {
    count++;
    folder = make();
    const sink = await folder.create('b.bin');
    await sink.write(bytes(1, 2, 3));
    await sink.write(bytes());
    await sink.write(bytes(4, 5));
    await sink.close();
  });

  it('reads back written bytes by range', async () => {
    const source = await folder.open('b.bin');
    expect([source.name, source.size]).toEqual(['b.bin', 5]);
    expect(await source.read(0, 5)).toEqual(bytes(1, 2, 3, 4, 5));
    expect(await source.read(2, 2)).toEqual(bytes(3, 4));
    expect(await source.read(5, 0)).toEqual(bytes());
  });

  it('rejects reads beyond the end', async () => {
    const source = await folder.open('b.bin');
    for (const [offset, length] of [
      [0, 6],
      [5, 1],
      [-1, 2],
      [1, -1],
      [0, 2 ** 52],
      [NaN, 1],
    ] as const) {
      await expectGraftError(() => source.read(offset, length), 'storage.short_read', {
        file: 'b.bin',
        size: 5,
      });
    }
  });

  it('reads into given memory, concurrently, after release, and under another name', async () => {
    const source = await folder.open('b.bin');
    for (const read of [source, renamedSource(source, 'c.bin'), source]) {
      const [whole, part] = [bytes(0, 0, 0, 0, 0), bytes(9, 0, 0, 9)];
      await Promise.all([read.readInto(0, whole), read.readInto(2, part.subarray(1, 3))]);
      expect(whole).toEqual(bytes(1, 2, 3, 4, 5));
      expect(part).toEqual(bytes(9, 3, 4, 9));
      const params = { file: read.name, size: 5 };
      await expectGraftError(() => read.readInto(3, bytes(0, 0, 0)), 'storage.short_read', params);
      await read.release?.();
    }
  });

  it('lists a file only once it is closed, and not after abort', async () => {
    const reused = bytes(7, 8);
    const sink = await folder.create('a.bin');
    await sink.write(reused);
    reused.fill(0);
    expect(await folder.list()).toEqual(['b.bin']);
    await expectGraftError(() => folder.open('a.bin'), 'storage.not_found', { file: 'a.bin' });
    await sink.close();
    expect(await folder.list()).toEqual(['a.bin', 'b.bin']);
    expect(await (await folder.open('a.bin')).read(0, 2)).toEqual(bytes(7, 8));

    const replaced = await folder.create('b.bin');
    await replaced.write(bytes(9));
    expect((await folder.open('b.bin')).size).toBe(5);
    await replaced.abort();
    await replaced.abort();
    expect((await folder.open('b.bin')).size).toBe(5);
    await expectGraftError(() => replaced.write(bytes(1)), 'storage.sink_closed', { file: 'b.bin' });
    await expectGraftError(() => sink.close(), 'storage.sink_closed', { file: 'a.bin' });
  });

  it('removes files', async () => {
    await folder.remove('b.bin');
    expect(await folder.list()).toEqual([]);
    await expectGraftError(() => folder.remove('b.bin'), 'storage.not_found', { file: 'b.bin' });
  });

  it.each([
    '',
    '.',
    '..',
    '../x',
    'a/b',
    'a\\b',
    'c:x',
    'x\u0000',
    'x\u009b',
    'gpj\u202eexe',
    'x'.repeat(256),
  ])('rejects the name “%s”', async (name) => {
    await expectGraftError(() => folder.create(name), 'storage.bad_name');
  });
});

describe('nodeFolder', () => {
  it('leaves no temporary files, hides those of killed writers, follows links, skips folders', async () => {
    const path = join(root, 'links');
    const folder = nodeFolder(path);
    const sink = await folder.create('real.bin');
    await sink.write(bytes(1));
    expect(readdirSync(path)).toHaveLength(1);
    expect(await folder.list()).toEqual([]);
    await sink.close();
    expect(readdirSync(path)).toEqual(['real.bin']);
    const aborted = await folder.create('other.bin');
    await aborted.abort();
    expect(readdirSync(path)).toEqual(['real.bin']);
    await (await folder.create('lost.bin')).write(bytes(1));
    expect(readdirSync(path)).toHaveLength(2);
    await folder.removeUnfinished!();
    expect(readdirSync(path)).toEqual(['real.bin']);
    symlinkSync('real.bin', join(path, 'link.bin'));
    symlinkSync('nowhere', join(path, 'dangling.bin'));
    mkdirSync(join(path, 'sub'));
    expect(await folder.list()).toEqual(['link.bin', 'real.bin']);
    expect(await (await folder.open('link.bin')).read(0, 1)).toEqual(bytes(1));
    await expectGraftError(() => folder.open('sub'), 'storage.is_a_folder', { file: 'sub' });
    expect(readFileSync(join(path, 'real.bin'))).toEqual(Buffer.from([1]));
  });

  it('reports a missing folder and a file that shrank', async () => {
    const missing = nodeFolder(join(root, 'missing'));
    const params = { folder: join(root, 'missing') };
    await expectGraftError(() => missing.list(), 'storage.folder_not_found', params);
    await expectGraftError(() => missing.open('x'), 'storage.folder_not_found', params);
    const path = join(root, 'shrinks.bin');
    writeFileSync(path, bytes(1, 2, 3));
    const source = await nodeFolder(root).open('shrinks.bin');
    truncateSync(path, 1);
    await expectGraftError(() => source.read(0, 3), 'storage.short_read', { file: 'shrinks.bin', size: 1 });
  });
});

describe('fileFolder', () => {
  const file = (path: string): { path: string; file: File } => ({
    path,
    file: new File([path], path.split('/').at(-1)!),
  });
  const listed = (...paths: string[]): Promise<string[]> => fileFolder(paths.map(file)).list();

  it('accepts loose files and one folder', async () => {
    expect(await listed('b.txt', 'a.txt')).toEqual(['a.txt', 'b.txt']);
    const folder = fileFolder(['m/config.json', 'm/a.txt'].map(file));
    expect([folder.name, await folder.list()]).toEqual(['m', ['a.txt', 'config.json']]);
    const source = await folder.open('a.txt');
    expect(new TextDecoder().decode(await source.read(2, 5))).toBe('a.txt');
    await expectGraftError(() => folder.open('m/a.txt'), 'storage.not_found', { folder: 'm' });
    await expectGraftError(() => source.read(0, 99), 'storage.short_read', { file: 'a.txt' });
  });

  it('uses the webkitRelativePath of Files', async () => {
    const picked = new File(['x'], 'config.json');
    Object.defineProperty(picked, 'webkitRelativePath', { value: 'm/config.json' });
    expect(fileFolder([picked]).name).toBe('m');
    expect(await fileFolder([new File(['x'], 'y')], 'named').list()).toEqual(['y']);
  });

  it('selects only files beside the config.json nearest the top', async () => {
    expect(await listed('m/config.json', 'm/w', 'm/onnx/config.json', 'm/onnx/x', 'other/y')).toEqual([
      'config.json',
      'w',
    ]);
    expect(await listed('top', 'deep/er/config.json', 'deep/er/w')).toEqual(['config.json', 'w']);
    expect(await listed('a/adapter_config.json', 'a/w', 'a/sub/x')).toEqual(['adapter_config.json', 'w']);
    expect(await listed('a/x', 'a/b/y')).toEqual(['x']);
  });

  it('rejects two models and a duplicate file', async () => {
    const both = ['a/config.json', 'b/config.json'].map(file);
    await expectGraftError(() => fileFolder(both), 'storage.several_folders', { first: 'a', second: 'b' });
    await expectGraftError(() => fileFolder([file('a/x'), file('a/x')]), 'storage.duplicate_file', {
      file: 'a/x',
    });
    expect(await fileFolder([]).list()).toEqual([]);
  });
});

describe('a file that is changed while it is read', () => {
  const path = join(root, 'changing.bin');
  const old = new Date(Date.now() - 10_000);
  const write = (content: string): void => {
    writeFileSync(path, content);
    // Some clocks of files are coarse, and a test is quick.
    utimesSync(path, old, old);
  };
  const changes: [string, () => void][] = [
    ['is written to in place, as long as before', () => writeFileSync(path, 'fghij')],
    ['grows', () => appendFileSync(path, 'more')],
    [
      'is replaced by another',
      () => {
        writeFileSync(`${path}.new`, 'fghij');
        renameSync(`${path}.new`, path);
      },
    ],
  ];

  it.each(changes)('reports that it %s', async (_, change) => {
    write('abcde');
    const source = await nodeFolder(root).open('changing.bin');
    expect(await source.read(1, 3)).toEqual(new Uint8Array(Buffer.from('bcd')));
    change();
    await expectGraftError(() => source.read(1, 3), 'storage.changed', { file: 'changing.bin' });
    await expectGraftError(() => source.readInto(0, new Uint8Array(5)), 'storage.changed', {
      file: 'changing.bin',
    });
    await source.release?.();
  });

  it('is released once reads that are under way have ended', async () => {
    write('abcde');
    const source = await nodeFolder(root).open('changing.bin');
    const target = new Uint8Array(5);
    const [read] = await Promise.allSettled([source.readInto(0, target), source.release?.()]);
    expect(read.status).toBe('fulfilled');
    expect(Buffer.from(target).toString()).toBe('abcde');
  });

  it('reads on from what is open where another file took its name', async () => {
    write('abcde');
    const source = await nodeFolder(root).open('changing.bin');
    const target = new Uint8Array(5);
    await source.readInto(0, target);
    writeFileSync(`${path}.new`, 'fghij');
    renameSync(`${path}.new`, path);
    await source.readInto(0, target);
    expect(Buffer.from(target).toString()).toBe('abcde');
    await source.release?.();
    await expectGraftError(() => source.readInto(0, target), 'storage.changed', { file: 'changing.bin' });
    await source.release?.();
  });
});

describe('links of a node folder', () => {
  it('lead outside unless they stay in the folder, or are of the cache of the Hub', async () => {
    const [blobs, snapshot] = [join(root, 'repo/blobs'), join(root, 'repo/snapshots/abc')];
    for (const path of [blobs, snapshot]) mkdirSync(path, { recursive: true });
    writeFileSync(join(blobs, 'f00'), 'x');
    writeFileSync(join(root, 'repo/secret'), 'x');
    writeFileSync(join(snapshot, 'own'), 'x');
    symlinkSync('../../blobs/f00', join(snapshot, 'blob'));
    symlinkSync('own', join(snapshot, 'inner'));
    symlinkSync('../../secret', join(snapshot, 'outer'));
    const folder = nodeFolder(snapshot);
    const leads = async (file: string) => [file, await folder.leadsOutside!(file)];
    expect(await Promise.all((await folder.list()).map(leads))).toEqual([
      ['blob', false],
      ['inner', false],
      ['outer', true],
      ['own', false],
    ]);
  });
});

describe('storageError', () => {
  it.each([
    [new DOMException('full', 'QuotaExceededError'), 'storage.quota'],
    [Object.assign(new Error('full'), { code: 'ENOSPC' }), 'storage.quota'],
    [new DOMException('no', 'NotAllowedError'), 'storage.denied'],
    [new DOMException('gone', 'NotReadableError'), 'storage.changed'],
    [new DOMException('locked', 'NoModificationAllowedError'), 'storage.busy'],
    [new Error('odd'), 'storage.failed'],
    ['text', 'storage.failed'],
  ] as const)('%s is %s', async (thrown, code) => {
    await expectGraftError(() => Promise.reject(storageError(thrown, 'w.bin', 'm')), code, { file: 'w.bin' });
  });

  it('reports a dropped file that changed on disk', async () => {
    const blob = new Blob(['abc']);
    blob.slice = () =>
      ({ arrayBuffer: () => Promise.reject(new DOMException('changed', 'NotReadableError')) }) as Blob;
    await expectGraftError(() => blobSource('w.bin', blob).read(0, 1), 'storage.changed', { file: 'w.bin' });
  });
});
