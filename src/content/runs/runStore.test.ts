import { writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../base/lib/bytes.ts';
import { bytesSource } from '../../base/storage/byteSource.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { nodeDirectory } from '../../base/storage/nodeDirectory.ts';
import { nodeLocks } from '../../base/storage/nodeLocks.ts';
import type { Directory, LockHolder, Locks } from '../../base/storage/types.ts';
import { contentOf, someCheckpoint } from '../../testing/checkpoints.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { FaultyDisk, type Fault } from '../../testing/faultyDirectory.ts';
import { someRows, someRun } from '../../testing/newRun.ts';
import { signal } from '../../testing/signal.ts';
import { archiveOf, exportRun } from './exportRun.ts';
import { importArchive, importRun } from './importRun.ts';
import type { StoredRun } from './storedRun.ts';
import { newRunId, RunStore, type ReachedState } from './runStore.ts';
import { readTokenRows } from './tokenRowFiles.ts';

const scratch = scratchFolder();
let count = 0;
const locksIn = (): string => join(scratch, `locks${(count += 1)}`);
const storeOn = (root: Directory, locks = locksIn()): RunStore => new RunStore(root, nodeLocks(locks));

describe.each<[string, () => Directory]>([
  ['MemoryDirectory', () => new MemoryDirectory('runs')],
  ['nodeDirectory', () => nodeDirectory(join(scratch, `runs${(count += 1)}`))],
])('runs in a %s', (_, make) => {
  it('are there again with all that a resume needs', async () => {
    const [root, locks] = [make(), locksIn()];
    const run = await storeOn(root, locks).create(someRun());
    await run.record({ kind: 'eval', step: 10, at: 5, loss: 2 });
    await run.save(someCheckpoint(10), 2);
    const progress = { step: 10, totalSteps: 40, loss: 3, evalLoss: 2, seconds: 7 };
    await run.change({ state: 'paused', progress, note: '试试' });
    await run.close();
    await run.close();
    await expectGraftError(() => run.change({ name: 'x' }), 'runs.closed');
    const store = storeOn(root, locks);
    const [summary] = await store.list();
    const { recipe, base, data, kernels, extra } = someRun();
    expect(summary).toMatchObject({
      id: run.id,
      busy: false,
      header: {
        name: 'Robots / 1',
        note: '试试',
        state: 'paused',
        recipe,
        base,
        data,
        kernels,
        extra,
        progress,
      },
    });
    // Fields of a form that are saved at once.
    await Promise.all([store.change(run.id, { tags: ['long'] }), store.change(run.id, { note: 'two' })]);
    expect((await store.look(run.id)).header).toMatchObject({
      tags: ['long'],
      note: 'two',
      name: 'Robots / 1',
    });
    const again = await store.open(run.id);
    expect(again.owned).toBe(true);
    expect(await readTokenRows('train', await again.dataFiles())).toEqual(someRows);
    expect(await readTokenRows('eval', await again.dataFiles())).toBeNull();
    const copy = (await again.dataFile('robots.jsonl'))!;
    expect(new TextDecoder().decode(await copy.read(0, copy.size))).toBe('{"text":"你好"}\n');
    expect(await contentOf((await again.load()).checkpoint!)).toEqual(await contentOf(someCheckpoint(10)));
    await again.record({ kind: 'eval', step: 20, at: 6, loss: 1 });
    await again.resumeFrom(10);
    expect((await again.curves()).records.map(({ kind, step }) => [kind, step])).toEqual([
      ['eval', 10],
      ['resumed', 10],
    ]);
    const size = await again.size();
    expect(size).toMatchObject({ data: (15 + 15 + 4) * 4 + 18, forResume: 307 });
    expect(size.total).toBe(size.data + size.checkpoints + size.curves);
    await again.close();
    await store.dropResume(run.id);
    expect(await store.size(run.id)).toMatchObject({ forResume: 0, checkpoints: size.checkpoints - 307 });
    await store.change(run.id, { name: 'renamed' });
    expect((await store.list())[0]!.header!.name).toBe('renamed');
    await store.remove(run.id);
    expect([await store.list(), await root.directories()]).toEqual([[], []]);
    await expectGraftError(() => store.open(run.id), 'runs.not_found', { run: run.id });
  });

  it('have one owner, and readers', async () => {
    const [root, folder] = [make(), locksIn()];
    const locks = nodeLocks(folder);
    let waits = signal();
    const watched: Locks = {
      ...locks,
      hold(name, work, options) {
        const onWait = (holder: LockHolder) => {
          waits.give();
          options?.onWait?.(holder);
        };
        return locks.hold(name, work, { ...options, onWait });
      },
    };
    const [one, two] = [storeOn(root, folder), new RunStore(root, watched)];
    const run = await one.create(someRun());
    await run.save(someCheckpoint(10));
    expect((await two.list())[0]).toMatchObject({ busy: true });
    const reader = await two.open(run.id, 50);
    expect([reader.owned, reader.checkpoints.map(({ step }) => step)]).toEqual([false, [10]]);
    expect((await reader.load()).info!.step).toBe(10);
    for (const work of [
      () => reader.change({ name: 'x' }),
      () => reader.save(someCheckpoint(20)),
      () => reader.resumeFrom(0),
      () => reader.pin(10, true),
      () => reader.dropResume(),
    ])
      await expectGraftError(work, 'runs.read_only', { run: 'Robots / 1' });
    await expectGraftError(() => two.remove(run.id), 'runs.in_use');
    await expectGraftError(() => two.change(run.id, { name: 'x' }), 'runs.in_use');
    await reader.close();
    // Its owner's own store goes through the open run.
    await one.change(run.id, { name: 'mine' });
    expect(run.header.name).toBe('mine');
    waits = signal();
    const waiting = two.open(run.id, 60_000);
    await waits.given;
    await run.close();
    const next = await waiting;
    expect(next.owned).toBe(true);
    await next.close();
    // Its status is running, but it has no owner.
    expect((await one.list())[0]).toMatchObject({ busy: false, header: { state: 'running' } });
  });
});

it('lists the newest first, and one whose descriptions are both damaged, to be deleted', async () => {
  const root = new MemoryDirectory('runs');
  let now = 1000;
  const options = { now: () => (now += 1000) };
  const store = new RunStore(root, nodeLocks(locksIn()), options);
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) {
    const run = await store.create(someRun({ name: `run ${i}` }));
    await run.close();
    ids.push(run.id);
  }
  expect((await store.list()).map(({ id }) => id)).toEqual(ids.toReversed());
  const files = (await root.directory(ids[1]!)).files;
  const [first, second] = [...files.keys()].filter((name) => name.startsWith('run.'));
  files.get(first!)![20]! ^= 1;
  expect((await store.list()).map(({ header }) => header?.name)).toEqual(['run 2', 'run 1', 'run 0']);
  files.get(second!)![20]! ^= 1;
  expect((await store.list()).map(({ header }) => header?.name)).toEqual(['run 2', 'run 0', undefined]);
  await expectGraftError(() => store.open(ids[1]!), 'runs.header_damaged', { run: ids[1]! });
  await store.remove(ids[1]!);
  expect(await store.list()).toHaveLength(2);
});

/** What a cluster has done of a run. */
const reached: ReachedState = {
  state: 'paused',
  progress: { step: 10, loss: 3, evalLoss: 2, seconds: 7 },
  records: [{ kind: 'eval', step: 10, at: 5, loss: 2 }],
  checkpoint: someCheckpoint(10),
  evalLoss: 2,
};

it.each([
  ['a run', someRun(), null],
  ['one that is under way', someRun({ reached }), 10],
])('makes %s whole or not at all, whatever call of the storage fails', async (_, given, step) => {
  const counted = new FaultyDisk();
  await (await storeOn(counted.root).create(given)).close();
  for (const kind of ['fail', 'crash'] as const satisfies Fault[]) {
    let made = 0;
    for (let at = 1; at <= counted.calls; at++) {
      const disk = new FaultyDisk();
      disk.fault = { at, kind };
      const run: StoredRun | null = await storeOn(disk.root)
        .create(given)
        .catch(() => null);
      await run?.close();
      const found = disk.after(kind === 'fail' ? 'none' : 'drop');
      const store = storeOn(found.root);
      const listed = await store.list();
      if (run) expect(listed).toHaveLength(1);
      for (const { id, header } of listed) {
        expect(header).toMatchObject({
          name: 'Robots / 1',
          state: step === null ? 'running' : 'paused',
          progress: { step: step ?? 0, totalSteps: 40 },
        });
        const opened = await store.open(id);
        expect(await readTokenRows('train', await opened.dataFiles())).toEqual(someRows);
        expect((await opened.load()).checkpoint?.step ?? null).toBe(step);
        expect((await opened.curves()).records).toEqual(step === null ? [] : reached.records);
        await opened.close();
        made += 1;
      }
      if (listed.length === 0) expect(await found.root.directories()).toEqual([]);
    }
    expect(made).toBeLessThan(counted.calls);
  }
});

it('distinguishes a damaged data set from a damaged checkpoint', async () => {
  const root = new MemoryDirectory('runs');
  const run = await storeOn(root).create(someRun());
  const { files } = await (await root.directory(run.id)).directory('chunks');
  files.get(run.header.files[1]!.chunks[0]!)![3]! ^= 1;
  await expectGraftError(() => run.dataFiles(), 'runs.data_damaged', {
    run: 'Robots / 1',
    file: 'train.labels',
  });
  expect(await run.dataFile('train.ids')).toMatchObject({ name: 'train.ids', size: 60 });
  expect(await run.dataFile('other')).toBeNull();
  await run.close();
});

it('names runs so that they sort by time', () => {
  expect(newRunId(Date.UTC(2026, 0, 31, 14, 25, 0))).toMatch(/^20260131-142500-[0-9a-f]{6}$/);
});

describe('an exported run', () => {
  async function exported() {
    const store = storeOn(new MemoryDirectory('runs'));
    const run = await store.create(someRun());
    await run.record({ kind: 'eval', step: 10, at: 5, loss: 2 });
    for (const step of [10, 20]) await run.save(someCheckpoint(step), step);
    const pieces: Uint8Array[] = [];
    const archive = await archiveOf(run);
    for await (const piece of archive.pieces()) pieces.push(piece);
    const bytes = concatBytes(pieces);
    expect(archive).toMatchObject({ name: 'Robots - 1.graft-run.zip', size: bytes.byteLength });
    await run.close();
    return { store, id: run.id, bytes };
  }

  it('is a zip that other programs read, and is the same run elsewhere', async () => {
    const { store, id, bytes } = await exported();
    const path = join(scratch, 'run.zip');
    writeFileSync(path, bytes);
    execFileSync('python3', ['-m', 'zipfile', '-t', path]);
    const elsewhere = storeOn(new MemoryDirectory('runs'));
    const progress: number[][] = [];
    const run = await importArchive(elsewhere, bytesSource('run.zip', bytes), (...at) => progress.push(at));
    expect(progress.at(-1)![0]).toBe(progress.at(-1)![1]);
    expect(run.header).toEqual({ ...(await store.look(id)).header, state: 'paused' });
    expect(run.checkpoints).toEqual((await store.look(id)).checkpoints);
    expect(await contentOf((await run.load()).checkpoint!)).toEqual(await contentOf(someCheckpoint(20)));
    expect(await readTokenRows('train', await run.dataFiles())).toEqual(someRows);
    expect((await run.curves()).records).toEqual([{ kind: 'eval', step: 10, at: 5, loss: 2 }]);
    await run.save(someCheckpoint(30));
    await run.close();
    // Beside itself it needs another name; as a File of the browser too.
    const file = await exportRun(elsewhere, id);
    const again = await importRun(elsewhere, file);
    expect(again).not.toBe(id);
    expect((await elsewhere.list()).map((one) => one.id).sort()).toEqual([again, id].sort());
    expect((await elsewhere.look(again)).header.name).toBe('Robots / 1 (2)');
  });

  it('takes the note and the tags along, and reads runs from before there were tags', async () => {
    const store = storeOn(new MemoryDirectory('runs'));
    const run = await store.create(someRun());
    await run.change({ note: 'the best so far', tags: ['baseline', '基线'] });
    const archive = async () => {
      const pieces: Uint8Array[] = [];
      for await (const piece of (await archiveOf(run)).pieces()) pieces.push(piece);
      return bytesSource('run.zip', concatBytes(pieces));
    };
    const copy = await importArchive(store, await archive());
    expect(copy.header).toMatchObject({ note: 'the best so far', tags: ['baseline', '基线'], format: 2 });
    Object.assign(run.header, { format: 1, tags: undefined });
    const old = await importArchive(store, await archive());
    expect(old.header).toMatchObject({ note: 'the best so far', tags: [], format: 2 });
    for (const one of [run, copy, old]) await one.close();
  });

  it('never has the name of another, also where it is renamed', async () => {
    const store = storeOn(new MemoryDirectory('runs'));
    const one = await store.create(someRun({ name: 'a' }));
    expect(await store.freeName('a')).toBe('a (2)');
    expect(await store.freeName('a', one.id)).toBe('a');
    expect(await store.freeName('b')).toBe('b');
    await one.close();
  });

  it('is refused when a byte is wrong, with the part’s name, and leaves nothing behind', async () => {
    const { bytes } = await exported();
    const root = new MemoryDirectory('runs');
    const store = storeOn(root);
    let parts = 0;
    for (let at = 0; at < bytes.byteLength; at += 97) {
      bytes[at]! ^= 16;
      try {
        // Names, times and the like are no content: a flip there may be read past.
        await (await importArchive(store, bytesSource('run.zip', bytes))).close();
        await store.remove((await store.list())[0]!.id);
      } catch (error) {
        expect(error).toMatchObject({
          code: expect.stringMatching(/^runs\.(archive_damaged|not_an_archive)$/),
        });
        parts += 1;
      }
      expect(await root.directories()).toEqual([]);
      bytes[at]! ^= 16;
    }
    expect(parts).toBeGreaterThan((0.6 * bytes.byteLength) / 97);
    const cut = bytesSource('run.zip', bytes.slice(0, -100));
    await expectGraftError(() => importArchive(store, cut), 'runs.not_an_archive', { file: 'run.zip' });
    const other = bytesSource('x.zip', new Uint8Array(5));
    await expectGraftError(() => importArchive(store, other), 'runs.not_an_archive');
  });

  it('of a newer Graft is distinguished from a damaged one', async () => {
    const store = storeOn(new MemoryDirectory('runs'));
    const run = await store.create(someRun());
    Object.assign(run.header, { format: 3 });
    const pieces: Uint8Array[] = [];
    for await (const piece of (await archiveOf(run)).pieces()) pieces.push(piece);
    await run.close();
    const zip = bytesSource('run.zip', concatBytes(pieces));
    await expectGraftError(() => importArchive(store, zip), 'runs.archive_newer', { version: 3, known: 2 });
  });
});
