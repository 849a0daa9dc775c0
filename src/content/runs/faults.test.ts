import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../base/lib/random.ts';
import { contentOf, someCheckpoint } from '../../testing/checkpoints.ts';
import { alone } from '../../testing/freeLocks.ts';
import { FaultyDisk, type Fault, type Loss } from '../../testing/faultyDirectory.ts';
import { CheckpointStore } from './checkpointStore.ts';
import { ChunkStore } from './chunkStore.ts';
import { Fence } from './fence.ts';

const faults: Fault[] = ['fail', 'quota', 'short', 'half quota', 'crash'];
const losses: Loss[] = ['none', 'drop', 'zero', 'reorder', 'reorder', 'reorder'];

/** As its next owner. */
async function openStore(disk: FaultyDisk): Promise<CheckpointStore> {
  const chunks = await ChunkStore.open(await disk.root.directory('chunks'), 128);
  return CheckpointStore.open(disk.root, chunks, { run: 'r', fence: await Fence.raise(disk.root, alone) });
}

/** A disk with checkpoints of some steps. */
async function diskWith(...steps: number[]): Promise<FaultyDisk> {
  const disk = new FaultyDisk();
  const store = await openStore(disk);
  await store.begin();
  for (const step of steps) await store.save(someCheckpoint(step));
  return disk.copy();
}

/** The step that is loaded, after its content was compared with what was saved; 0 where there is none. */
async function loadedStep(store: CheckpointStore): Promise<number> {
  const { checkpoint } = await store.load();
  if (!checkpoint) return 0;
  const { step } = checkpoint;
  saved[step] ??= JSON.stringify(await contentOf(someCheckpoint(step)));
  expect(JSON.stringify(await contentOf(checkpoint))).toBe(saved[step]);
  return step;
}
const saved: Record<number, string> = {};

/** The calls of the storage that `work` takes and at which a fault of this kind makes a difference. */
async function callsOf(
  kind: Fault,
  disk: FaultyDisk,
  work: (disk: FaultyDisk) => Promise<unknown>,
): Promise<number[]> {
  const copy = disk.copy();
  await work(copy);
  expect(copy.writes.length).toBeGreaterThan(5);
  const ofWrites = kind === 'quota' || kind === 'half quota' || kind === 'short';
  return ofWrites ? copy.writes : Array.from({ length: copy.calls }, (_, i) => i + 1);
}

describe.each([
  ['the first checkpoint', []],
  ['the second', [10]],
  ['one that makes an older one go', [10, 20, 30]],
])('a fault at every call while %s is saved', (_, before) => {
  const previous = before.at(-1) ?? 0;
  const save = async (disk: FaultyDisk): Promise<void> => {
    await (await openStore(disk)).save(someCheckpoint(40));
  };

  it.each(faults)('%s: the checkpoint before or the new one is there, whatever is lost', async (kind) => {
    const start = await diskWith(...before);
    const calls = await callsOf(kind, start, save);
    const seen = new Set<number>();
    for (const at of calls) {
      const disk = start.copy();
      disk.fault = { at, kind };
      const ended = await save(disk).then(
        () => true,
        () => false,
      );
      for (const [i, loss] of losses.entries()) {
        const found = disk.after(loss, createRandom(at * 10 + i));
        const step = await loadedStep(await openStore(found));
        // What was said to be saved is saved.
        expect(ended ? [40] : [previous, 40], `call ${at}, ${loss}`).toContain(step);
        seen.add(step);
      }
    }
    // Bytes that were not written never count; other calls fail before the new one counts, or after.
    const either = kind === 'fail' || kind === 'crash' ? [previous, 40] : [previous];
    expect([...seen].sort((a, b) => a - b)).toEqual(either);
  });
});

it.each(['fail', 'quota', 'half quota', 'short'] as const)(
  'after a fault (%s) at any call the same store continues, and its next checkpoint is whole',
  async (kind) => {
    const start = await diskWith(10, 20);
    const save = async (disk: FaultyDisk) => (await openStore(disk)).save(someCheckpoint(30));
    const calls = await callsOf(kind, start, save);
    for (const at of calls) {
      const disk = start.copy();
      const store = await openStore(disk);
      disk.fault = { at, kind };
      await store.save(someCheckpoint(30)).catch(() => undefined);
      disk.fault = null;
      expect([20, 30]).toContain(await loadedStep(store));
      await store.save(someCheckpoint(40));
      expect(await loadedStep(await openStore(disk.after('drop')))).toBe(40);
      // Nothing is left behind of what went wrong.
      const fresh = await diskWith(10, 20, 30, 40);
      const chunks = async (one: FaultyDisk) => (await (await one.root.directory('chunks')).list()).length;
      expect(await chunks(disk)).toBeLessThanOrEqual(await chunks(fresh));
    }
  },
);

it('a machine that goes down in the middle of anything loses no committed checkpoint', async () => {
  const step = fc.record({
    what: fc.constantFrom('save', 'save', 'save', 'pin', 'unpin', 'reopen', 'rewind'),
    fault: fc.option(fc.record({ kind: fc.constantFrom(...faults), at: fc.integer({ min: 1, max: 60 }) }), {
      nil: null,
    }),
    loss: fc.option(fc.constantFrom(...losses), { nil: null }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), fc.nat(), async (script, seed) => {
      const random = createRandom(seed);
      let disk = await diskWith();
      let store = await openStore(disk);
      let next = 0;
      // The steps that may be found as the newest: one once a change is committed.
      let possible = new Set([0]);
      for (const { what, fault, loss } of script) {
        const newest = store.list().at(-1)?.step ?? 0;
        disk.calls = 0;
        disk.fault = fault;
        let target = newest;
        const run = async (): Promise<unknown> => {
          if (what === 'save') return store.save(someCheckpoint((target = next += 10)));
          if (what === 'reopen') return (store = await openStore(disk));
          if (newest === 0) return null;
          if (what === 'rewind') {
            const steps = store.list().map((one) => one.step);
            target = steps.at(-2) ?? newest;
            return store.rewind(target);
          }
          return store.pin(newest, what === 'pin');
        };
        const done = await run().then(
          () => true,
          () => false,
        );
        const crashed = disk.down;
        disk.fault = null;
        possible = done ? new Set([target]) : new Set([...possible, target]);
        if (crashed || loss) {
          disk = disk.after(loss ?? 'none', random);
          store = await openStore(disk);
        }
        if (crashed || loss || !done) {
          const found = await loadedStep(store);
          expect([...possible]).toContain(found);
          if (crashed || loss) possible = new Set([found]);
        }
      }
    }),
    { numRuns: 100 },
  );
});
