import { expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import type { Directory } from '../../base/storage/types.ts';
import { RunStore } from '../../content/runs/runStore.ts';
import type { Sweep } from '../../content/runs/sweep.ts';
import { SweepStore } from '../../content/runs/sweepStore.ts';
import { TunedKernels } from '../../engine/tuning/tunedKernels.ts';
import { dyingDirectory, Killed } from '../../testing/dyingDirectory.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { freeLocks } from '../../testing/freeLocks.ts';
import { testGpu } from '../../testing/gpu.ts';
import { randomRows } from '../../testing/passes.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { Session } from '../session.ts';
import type { SweepJob, SweepOptions } from './sweepJob.ts';

/** A session with a tiny model open, on the device of all tests. */
async function openTiny(): Promise<Session> {
  const session = new Session({
    openGpu: testGpu,
    tunedKernels: () => TunedKernels.open(null, 'test'),
    spillFolder: async () => new MemoryDirectory('spill'),
    quantizedCache: async () => null,
  });
  await session.openModel(tinyModel());
  return session;
}

async function storageOn(root: Directory) {
  return {
    sweeps: new SweepStore(await root.directory('sweeps'), freeLocks),
    runs: new RunStore(await root.directory('runs'), freeLocks),
  };
}

const recipe = (change: Partial<Recipe>): Recipe => ({
  ...defaultRecipe(),
  rank: 2,
  batch_size: 1,
  max_steps: 4,
  checkpoint_steps: 1,
  eval_steps: 3,
  dropout: 0.1,
  ...change,
});

function job(change: Partial<SweepJob> = {}): SweepJob {
  return {
    recipes: [recipe({ lr: 1e-4 }), recipe({ lr: 0.05 }), recipe({ lr: 0.02, rank: 4 })],
    rungs: 1,
    rows: { train: randomRows([5, 3, 7, 4]), evaluation: randomRows([4, 6]) },
    dataFile: 'rows.jsonl',
    ...change,
  };
}

/** What a sweep came to, without what differs from start to start. */
const outcome = ({ runs }: Sweep) => runs.map((run) => ({ ...run, id: run.id !== null }));

/** Starts a sweep, or goes on with the one that is there. */
async function start(session: Session, root: Directory, options: SweepOptions = {}): Promise<Sweep> {
  const storage = await storageOn(root);
  const [found] = await storage.sweeps.list();
  const how = { checkpointSeconds: 0, ...options };
  return found
    ? session.resumeSweep(storage, found.sweep.id, how, job())
    : session.sweep(job(), storage, how);
}

/** The trained bytes of every run by its last checkpoint. */
async function adaptersOf(root: Directory): Promise<Record<string, string>> {
  const { runs } = await storageOn(root);
  const found: Record<string, string> = {};
  for (const { id, header } of await runs.list()) {
    const { checkpoint } = await (await runs.look(id)).load();
    const bytes: string[] = [];
    for (const file of checkpoint!.files)
      bytes.push(Buffer.from(await file.read(0, file.size)).toString('base64'));
    found[header!.name] = bytes.join();
  }
  return found;
}

it('is stored run by run, and has the best run as its result', async () => {
  const session = await openTiny();
  const root = new MemoryDirectory('root');
  const seen: (number | null)[] = [];
  const sweep = await start(session, root, { onSweep: (_, index) => seen.push(index) });
  // Nothing can be learned of random rows: the highest rate is the worst.
  expect(outcome(sweep)).toMatchObject([
    { name: 'rank 2, lr 1e-4, rows', steps: 4, totalSteps: 4, end: { kind: 'finished' } },
    { name: 'rank 2, lr 0.05, rows', steps: 2, rungs: [expect.any(Number)], end: null },
    { name: 'rank 4, lr 0.02, rows', steps: 4, end: { kind: 'finished' } },
  ]);
  expect([...new Set(seen)].filter((index) => index !== null)).toEqual([0, 1, 2]);
  const { runs } = await storageOn(root);
  const stored = (await runs.list()).map(({ header }) => [header!.name, header!.state]).sort();
  expect(stored).toEqual([
    ['rank 2, lr 0.05, rows', 'paused'],
    ['rank 2, lr 1e-4, rows', 'done'],
    ['rank 4, lr 0.02, rows', 'done'],
  ]);
  const { loss } = await session.evaluate(job().rows.evaluation!);
  const losses = sweep.runs.flatMap(({ end }) => (end ? [end.loss!] : []));
  expect(loss).toBeCloseTo(Math.min(...losses), 5);
});

it('that dies in any change of its files ends as one that does not, once it is resumed', async () => {
  const session = await openTiny();
  const whole = new MemoryDirectory('root');
  const counting = dyingDirectory(whole, Infinity);
  const expected = outcome(await start(session, counting.folder));
  const adapters = await adaptersOf(whole);
  const { changes } = counting;
  // Every other change of the sweep's own files, and some of the runs' in between.
  let own = 0;
  const deaths = changes.flatMap((what, i) => {
    const isOwn = what.includes('sweeps/') && (own += 1) % 2 === 1;
    return isOwn || i % 80 === 0 ? [i + 1] : [];
  });
  expect(deaths.length).toBeGreaterThan(20);
  for (const at of deaths) {
    const root = new MemoryDirectory('root');
    await expect(start(session, dyingDirectory(root, at).folder), changes[at - 1]).rejects.toThrow(Killed);
    expect(outcome(await start(session, root)), changes[at - 1]).toEqual(expected);
    expect(await adaptersOf(root), changes[at - 1]).toEqual(adapters);
  }
});

it('pauses at any step, and goes on to the same', async () => {
  const session = await openTiny();
  const expected = outcome(await start(session, new MemoryDirectory('root')));
  const root = new MemoryDirectory('root');
  for (let pauses = 0; ; pauses++) {
    const pausing = new AbortController();
    const sweep = await start(session, root, {
      signal: pausing.signal,
      onEvent: (event) => event.kind === 'step' && pausing.abort('pause'),
    });
    if (!pausing.signal.aborted) {
      expect(outcome(sweep)).toEqual(expected);
      // 2 + 2 + 2 steps to the rung, and 2 + 2 to the ends.
      expect(pauses).toBe(10);
      return;
    }
  }
});

it('judges by the lowest loss where recipes load the best at their end', async () => {
  const session = await openTiny();
  const { sweeps, runs } = await storageOn(new MemoryDirectory('root'));
  const recipes = [3, 0.02].map((lr) => recipe({ lr, load_best: true, eval_steps: 1, schedule: 'constant' }));
  const losses: number[][] = [[], []];
  const sweep = await session.sweep(
    { ...job({ recipes, rungs: 0 }) },
    { sweeps, runs },
    {
      onEvent: (event, index) => event.kind === 'eval' && event.step > 0 && losses[index]!.push(event.loss),
    },
  );
  expect(sweep.runs.map(({ end }) => end!.loss)).toEqual(losses.map((all) => Math.min(...all)));
});

it('is refused on other rows, on another model, and without rows to compare on', async () => {
  const session = await openTiny();
  const storage = await storageOn(new MemoryDirectory('root'));
  const pausing = new AbortController();
  const { id } = await session.sweep(job(), storage, {
    signal: pausing.signal,
    onEvent: (event) => event.kind === 'step' && pausing.abort('pause'),
  });
  const rows = { train: randomRows([5, 3, 7, 4]), evaluation: randomRows([4, 5]) };
  await expectGraftError(() => session.resumeSweep(storage, id, {}, { rows }), 'train.resume_other_data');
  await session.openModel(tinyModel({ seed: 2 }));
  await expectGraftError(() => session.resumeSweep(storage, id), 'train.resume_other_model');
  await expectGraftError(() => session.resumeSweep(storage, 'none'), 'runs.sweep_not_found');
  const none = { train: rows.train, evaluation: null };
  await expectGraftError(() => session.sweep(job({ rows: none }), storage), 'train.sweep_no_eval_rows');
});
