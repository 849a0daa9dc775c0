import { expect, it } from 'vitest';
import { GraftError } from '../../base/lib/errors.ts';
import { contentOf, someCheckpoint } from '../../testing/checkpoints.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { FaultyDisk } from '../../testing/faultyDirectory.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { CheckpointStore } from './checkpointStore.ts';
import { ChunkStore } from './chunkStore.ts';

const CHUNK = 128;

async function openStore(directory: MemoryDirectory, keep?: number): Promise<CheckpointStore> {
  const chunks = await ChunkStore.open(await directory.directory('chunks'), CHUNK);
  return CheckpointStore.open(directory, chunks, { run: 'r', now: () => 5, ...(keep && { keep }) });
}

async function storeWith(...steps: number[]) {
  const directory = new MemoryDirectory('run');
  const store = await openStore(directory);
  await store.begin();
  for (const step of steps) await store.save(someCheckpoint(step));
  return { directory, store, chunks: (await directory.directory('chunks')).files };
}

/** Inverts a byte of a file. */
function flip(files: Map<string, Uint8Array<ArrayBuffer>>, name: string, at: number): void {
  const bytes = files.get(name)!;
  bytes[at]! ^= 255;
}

it('gives back what was saved, the newest or one by its step', async () => {
  const { directory, store } = await storeWith(10, 20);
  for (const opened of [store, await openStore(directory)]) {
    const { info, checkpoint, passedOver } = await opened.load();
    expect(await contentOf(checkpoint!)).toEqual(await contentOf(someCheckpoint(20)));
    expect([info, passedOver]).toEqual([expect.objectContaining({ step: 20, savedAt: 5 }), []]);
    const earlier = (await opened.load(10)).checkpoint!;
    expect(await contentOf(earlier)).toEqual(await contentOf(someCheckpoint(10)));
    await expectGraftError(() => opened.load(15), 'runs.no_such_step', { step: 15 });
  }
  const [file] = (await store.load()).checkpoint!.files;
  const whole = await file!.read(0, file!.size);
  expect(await file!.read(100, 150)).toEqual(whole.slice(100, 250));
  await expectGraftError(() => file!.read(290, 11), 'storage.short_read');
});

it('has nothing to resume from before the first', async () => {
  const { store } = await storeWith();
  expect(await store.load()).toEqual({ info: null, checkpoint: null, passedOver: [] });
});

it('retains the last, the best and the pinned, and stores what they share once', async () => {
  const { store, chunks } = await storeWith();
  await store.save(someCheckpoint(10), 3);
  await store.save(someCheckpoint(20), 1);
  await store.save(someCheckpoint(30), 2);
  await store.pin(30, true);
  for (const step of [40, 50, 60]) await store.save(someCheckpoint(step), 2);
  const stored = () => store.list().map(({ step, best, pinned }) => [step, best, pinned]);
  expect(stored()).toEqual([
    [20, true, false],
    [30, false, true],
    [50, false, false],
    [60, false, false],
  ]);
  // Each: state, 3 chunks of params and of m; and the 3 chunks that all share.
  expect(chunks.size).toBe(4 * (1 + 3 + 3) + 3);
  await store.pin(30, false);
  await store.save(someCheckpoint(70), 0.5);
  expect(stored().map(([step]) => step)).toEqual([60, 70]);
  expect(chunks.size).toBe(2 * (1 + 3 + 3) + 3);
});

it('removes what is later than the step that the run resumes from', async () => {
  const { store, directory } = await storeWith(10, 20);
  await store.rewind(10);
  expect((await (await openStore(directory)).load()).info?.step).toBe(10);
  await store.save(someCheckpoint(20, 300, 2));
  await store.save(someCheckpoint(20, 300, 3));
  const again = (await store.load()).checkpoint!;
  expect(await contentOf(again)).toEqual(await contentOf(someCheckpoint(20, 300, 3)));
  expect(store.list().map(({ step }) => step)).toEqual([10, 20]);
});

it('frees what only a resume needs', async () => {
  const { store, directory, chunks } = await storeWith(10, 20);
  await store.dropResume();
  expect(chunks.size).toBe(2 * (1 + 3) + 3);
  const opened = await openStore(directory);
  expect(await opened.load()).toMatchObject({ checkpoint: null, passedOver: [] });
  const { checkpoint, info } = await opened.load(20);
  expect(checkpoint!.files.map(({ name }) => name)).toEqual(['params', 'frozen']);
  expect(info!.resumable).toBe(false);
});

it('falls back to the checkpoint before, and says so, whatever byte of the newest is wrong', async () => {
  const { directory, chunks } = await storeWith(10, 20);
  const before = new Set((await storeWith(10)).chunks.keys());
  const own = [...chunks.keys()].filter((name) => !before.has(name));
  expect(own).toHaveLength(1 + 3 + 3);
  for (const name of own) {
    for (const damage of ['flip', 'cut', 'gone'] as const) {
      const bytes = chunks.get(name)!;
      if (damage === 'flip') flip(chunks, name, bytes.byteLength - 1);
      if (damage === 'cut') chunks.set(name, bytes.slice(0, -1));
      if (damage === 'gone') chunks.delete(name);
      const { info, checkpoint, passedOver } = await (await openStore(directory)).load();
      expect(await contentOf(checkpoint!)).toEqual(await contentOf(someCheckpoint(10)));
      expect([info!.step, passedOver]).toEqual([
        10,
        [{ step: 20, file: expect.stringMatching(/^(state|params|m)$/) }],
      ]);
      if (damage === 'flip') flip(chunks, name, bytes.byteLength - 1);
      chunks.set(name, bytes);
    }
  }
  expect((await (await openStore(directory)).load()).info!.step).toBe(20);
});

it('continues after it fell back, and writes the damaged checkpoint again', async () => {
  const { directory, chunks } = await storeWith(10, 20);
  const known = new Set((await storeWith(10)).chunks.keys());
  flip(
    chunks,
    [...chunks.keys()].find((name) => !known.has(name))!,
    3,
  );
  const store = await openStore(directory);
  expect((await store.load()).info!.step).toBe(10);
  expect(store.list().map(({ step }) => step)).toEqual([10]);
  await store.save(someCheckpoint(20));
  const loaded = await (await openStore(directory)).load();
  expect(await contentOf(loaded.checkpoint!)).toEqual(await contentOf(someCheckpoint(20)));
  expect(loaded.passedOver).toEqual([]);
});

it('falls back to the list before when the newest is damaged at any byte', async () => {
  const { directory } = await storeWith(10, 20);
  // begin, 10, 20: the third is in the first slot again.
  const newest = directory.files.get('checkpoints.a')!;
  const { byteLength } = newest;
  for (let at = 0; at < byteLength; at += 13) {
    newest[at]! ^= 1;
    const { info, passedOver } = await (await openStore(directory)).load();
    expect([info!.step, passedOver]).toEqual([10, [{ step: null, file: 'checkpoints.a' }]]);
    newest[at]! ^= 1;
  }
  flip(directory.files, 'checkpoints.a', 40);
  flip(directory.files, 'checkpoints.b', 40);
  const store = await openStore(directory);
  await expectGraftError(() => store.load(), 'runs.none_left', { run: 'r', count: 0, file: 'checkpoints.a' });
});

it('names the first fault when no checkpoint is intact', async () => {
  const { directory, chunks } = await storeWith(10, 20);
  for (const name of chunks.keys()) flip(chunks, name, 0);
  const store = await openStore(directory);
  await expectGraftError(() => store.load(), 'runs.none_left', { count: 2, file: 'state' });
});

it('removes nothing that a list names which may or may not have come to disk', async () => {
  const openOn = async (disk: FaultyDisk): Promise<CheckpointStore> => {
    const chunks = await ChunkStore.open(await disk.root.directory('chunks'), CHUNK);
    return CheckpointStore.open(disk.root, chunks, { run: 'r' });
  };
  const start = new FaultyDisk();
  await (await openOn(start)).begin();
  const counted = start.copy();
  await (await openOn(counted)).save(someCheckpoint(10));
  let uncertain = 0;
  for (let at = 1; at <= counted.calls; at++) {
    const disk = start.copy();
    const store = await openOn(disk);
    disk.fault = { at, kind: 'fail' };
    const failed = await store.save(someCheckpoint(10)).catch(() => null);
    disk.fault = { at: disk.calls + 3, kind: 'fail' };
    await store.save(someCheckpoint(20)).catch(() => undefined);
    disk.fault = null;
    const { info, passedOver } = await (await openOn(disk)).load();
    expect(passedOver).toEqual([]);
    if (!failed && info) uncertain += 1;
  }
  expect(uncertain).toBeGreaterThan(0);
});

it('reads and writes a chunk at a time', async () => {
  const { store } = await storeWith();
  const asked: [number, number][] = [];
  const { files, ...rest } = someCheckpoint(10);
  const spied = files.map((file) => ({
    ...file,
    read: (offset: number, length: number) => {
      if (file.name === 'params') asked.push([offset, length]);
      return file.read(offset, length);
    },
  }));
  await store.save({ ...rest, files: spied });
  expect(asked).toEqual([
    [0, 128],
    [128, 128],
    [256, 44],
  ]);
});

it('passes over a list that cannot be read for now, and removes nothing of what it names', async () => {
  const { directory } = await storeWith(10, 20);
  const open = directory.open.bind(directory);
  let failures = Infinity;
  directory.open = async (file) => {
    if (file === 'checkpoints.a' && failures-- > 0)
      throw new GraftError('storage.changed', { file, detail: '' });
    return open(file);
  };
  const store = await openStore(directory);
  await store.collect();
  expect((await store.load()).passedOver).toEqual([{ step: null, file: 'checkpoints.a' }]);
  // A moment later it can be read, and all is there.
  failures = 2;
  const loaded = await (await openStore(directory)).load();
  expect(await contentOf(loaded.checkpoint!)).toEqual(await contentOf(someCheckpoint(20)));
  expect(loaded.passedOver).toEqual([]);
});
