import { describe, expect, it } from 'vitest';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { nodeDirectory } from '../../base/storage/nodeDirectory.ts';
import type { Directory } from '../../base/storage/types.ts';
import { contentOf, someCheckpoint } from '../../testing/checkpoints.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { freeLocks } from '../../testing/freeLocks.ts';
import { someRun } from '../../testing/newRun.ts';
import { pausingDirectory } from '../../testing/pausingDirectory.ts';
import { signal } from '../../testing/signal.ts';
import { CheckpointStore } from './checkpointStore.ts';
import { ChunkStore } from './chunkStore.ts';
import { CurveLog, type CurveRecord } from './curveLog.ts';
import { isTakenOver } from './fence.ts';
import type { StoredRun } from './storedRun.ts';
import { RunStore } from './runStore.ts';
import { Slots } from './slots.ts';

/** A store whose locks keep nobody out, as those of another machine that was cut off. */
const storeOn = (root: Directory): RunStore =>
  new RunStore(root, freeLocks, { chunkBytes: 128, now: () => 5 });

const evalAt = (step: number): CurveRecord => ({ kind: 'eval', step, at: 5, loss: step });

/** A stored run with checkpoints of these steps. */
async function runWith(steps: number[]): Promise<{ root: MemoryDirectory; id: string }> {
  const root = new MemoryDirectory('runs');
  const run = await storeOn(root).create(someRun());
  for (const step of steps) await train(run, step);
  await run.close();
  return { root, id: run.id };
}

async function train(run: StoredRun, step: number): Promise<void> {
  await run.record(evalAt(step));
  await run.save(someCheckpoint(step), step);
  await run.change({ progress: { step, totalSteps: 100, loss: step, evalLoss: null, seconds: step } });
}

/** Everything a resume finds, and that all of it is whole. */
async function contentsOf(root: MemoryDirectory, id: string) {
  const run = await storeOn(root).look(id);
  const steps = run.checkpoints.map(({ step }) => step);
  for (const step of steps) {
    expect(await contentOf((await run.load(step)).checkpoint!)).toEqual(
      await contentOf(someCheckpoint(step)),
    );
  }
  await run.dataFiles();
  const { records, damaged } = await run.curves();
  expect(damaged).toBe(0);
  const told = records.filter(({ kind }) => kind === 'eval').map(({ step }) => step);
  return { steps, told, step: run.header.progress.step };
}

describe('an owner that was stopped and wakes after another has taken its run over', () => {
  it.each([
    ['once', 1],
    ['and went on with it twice', 2],
  ])(
    'at any call of the storage: the next owner (%s) loses nothing, and the first is told',
    async (_, next) => {
      const count = async (): Promise<number> => {
        const { root, id } = await runWith([10, 20]);
        let calls = 0;
        const run = await storeOn(pausingDirectory(root, async () => void (calls += 1))).open(id);
        calls = 0;
        await train(run, 30);
        return calls;
      };
      const calls = await count();
      expect(calls).toBeGreaterThan(60);
      const outcomes = new Set<string>();
      for (let at = 1; at <= calls; at++) {
        const { root, id } = await runWith([10, 20]);
        const [stopped, goOn] = [signal(), signal()];
        let left = Infinity;
        const pause = async (): Promise<void> => {
          if ((left -= 1) !== 0) return;
          stopped.give();
          await goOn.given;
        };
        const first = await storeOn(pausingDirectory(root, pause)).open(id);
        left = at;
        const done: string[] = [];
        const training = (async () => {
          await first.record(evalAt(30));
          await first.save(someCheckpoint(30), 30);
          done.push('saved');
          await first.change({ progress: { step: 30, totalSteps: 100, loss: 1, evalLoss: 1, seconds: 30 } });
          done.push('changed');
        })().catch((error: unknown) => error);
        await stopped.given;

        const second = await storeOn(root).open(id);
        const from = (await second.load()).info!.step;
        // What the first was told is saved by now is there.
        expect(from).toBe(done.includes('saved') ? 30 : from);
        await second.resumeFrom(from);
        for (let i = 1; i <= next; i++) await train(second, from + 10 * i);
        const before = await contentsOf(root, id);

        goOn.give();
        const error = await training;
        outcomes.add(error ? (done[0] ?? 'lost') : 'all');
        if (error) expect(isTakenOver(error), `${at}: ${String(error)}`).toBe(true);
        // It is told before it believes that a commit counts which nobody has seen.
        if (done.includes('saved')) expect(from, `call ${at}`).toBe(30);
        await first.close().catch((closing: unknown) => expect(isTakenOver(closing)).toBe(true));
        expect(await contentsOf(root, id), `call ${at}`).toEqual(before);
        await train(second, 90);
        await second.close();
        expect((await contentsOf(root, id)).steps.at(-1)).toBe(90);
      }
      expect(outcomes).toEqual(new Set(['lost', 'saved']));
    },
  );

  it('can do nothing to the run any more', async () => {
    const { root, id } = await runWith([10, 20]);
    const first = await storeOn(root).open(id);
    const second = await storeOn(root).open(id);
    const before = await contentsOf(root, id);
    const refused = { run: 'Robots / 1' };
    await expectGraftError(() => first.save(someCheckpoint(30)), 'runs.taken_over', refused);
    await expectGraftError(() => first.change({ name: 'x' }), 'runs.taken_over', refused);
    await expectGraftError(() => first.pin(10, true), 'runs.taken_over', refused);
    await expectGraftError(() => first.dropResume(), 'runs.taken_over', refused);
    await expectGraftError(() => first.resumeFrom(10), 'runs.taken_over', refused);
    await expectGraftError(() => first.checkOwner(), 'runs.taken_over', refused);
    expect(await contentsOf(root, id)).toEqual(before);
    await train(second, 30);
    expect((await contentsOf(root, id)).steps).toContain(30);
  });

  it('finds a run gone that was removed', async () => {
    const path = scratchFolder();
    const store = storeOn(nodeDirectory(path));
    const first = await store.create(someRun());
    await storeOn(nodeDirectory(path)).remove(first.id);
    await expectGraftError(() => first.save(someCheckpoint(30)), 'runs.taken_over');
    await expectGraftError(() => first.record(evalAt(2)).then(() => first.close()), 'runs.taken_over');
    expect(await nodeDirectory(path).directories()).toEqual([]);
  });
});

it('a run keeps the files of its last owner alone, however many it had', async () => {
  const { root, id } = await runWith([10]);
  for (let step = 20; step <= 60; step += 10) {
    const run = await storeOn(root).open(id);
    await run.resumeFrom(step - 10);
    await train(run, step);
    await train(run, step);
    await run.close();
  }
  const names = (await root.directory(id)).files;
  const count = (start: string): number => [...names.keys()].filter((name) => name.startsWith(start)).length;
  expect([count('owner.'), count('run.'), count('checkpoints.'), count('curves.')]).toEqual([1, 2, 2, 6]);
  expect((await contentsOf(root, id)).told).toEqual([10, 20, 20, 30, 30, 40, 40, 50, 50, 60, 60]);
});

it('a run from before terms is read, and goes on', async () => {
  const { root, id } = await runWith([10]);
  const directory = await root.directory(id);
  // As it was written then: two slots of each, one log, no marker.
  const run = await storeOn(root).look(id);
  const { header } = run;
  for (const name of await directory.list()) {
    if (name.startsWith('owner.') || name.startsWith('curves.')) await directory.remove(name);
  }
  const slots = (await directory.list()).filter(
    (name) => name.startsWith('run.') || name.startsWith('checkpoints.'),
  );
  for (const name of slots) await directory.remove(name);
  const old = new Slots(directory, 'run', (json) => json);
  await old.write(header);
  await old.write(header);
  const chunks = await ChunkStore.open(await directory.directory('chunks'), 128);
  const options = { run: 'r', otherFiles: () => header.files };
  const checkpoints = CheckpointStore.create(directory, chunks, options);
  await checkpoints.begin();
  await checkpoints.save(someCheckpoint(10), 10);
  const log = new CurveLog(directory);
  await log.append(evalAt(10));
  await log.flush();
  expect(await directory.list()).toEqual(['checkpoints.a', 'checkpoints.b', 'curves.log', 'run.a', 'run.b']);

  const again = await storeOn(root).open(id);
  expect((await again.load()).info!.step).toBe(10);
  await again.resumeFrom(10);
  await train(again, 20);
  await train(again, 30);
  await again.close();
  expect(await contentsOf(root, id)).toEqual({ steps: [10, 20, 30], told: [10, 20, 30], step: 30 });
});
