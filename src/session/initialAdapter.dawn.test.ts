import { beforeAll, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../base/config/recipe.ts';
import { MemoryDirectory } from '../base/storage/memoryDirectory.ts';
import type { PeftAdapter } from '../content/formats/peft.ts';
import { RunStore } from '../content/runs/runStore.ts';
import { TunedKernels } from '../engine/tuning/tunedKernels.ts';
import { expectGraftError } from '../testing/errors.ts';
import { freeLocks } from '../testing/freeLocks.ts';
import { testGpu } from '../testing/gpu.ts';
import { memoryJob } from '../testing/memoryJob.ts';
import { randomPeft } from '../testing/mergeAdapter.ts';
import { randomRows } from '../testing/passes.ts';
import { tinyModel } from '../testing/tinyModel.ts';
import type { TrainEvent } from './events.ts';
import { recipeOfRun } from './recipeOfRun.ts';
import { Session } from './session.ts';
import type { TrainJob, TrainOptions } from './trainJob.ts';

/** Runs that continue an adapter with ranks and scales that no recipe says, interrupted before and after a checkpoint. */
const rows = { train: randomRows([5, 3, 7, 4]), evaluation: randomRows([4, 6]) };

let session: Session;
let initial: PeftAdapter;
let recipe: Recipe;
beforeAll(async () => {
  session = new Session({
    openGpu: testGpu,
    tunedKernels: () => TunedKernels.open(null, 'test'),
    spillFolder: async () => new MemoryDirectory('spill'),
    quantizedCache: async () => null,
  });
  const { files } = await session.openModel(tinyModel());
  initial = unevenPeft(5);
  const asked = { ...defaultRecipe(), batch_size: 1, max_steps: 4, lr: 0.02, dropout: 0.1, eval_steps: 3 };
  recipe = recipeOfRun(files, { ...asked, load_best: true }, initial).recipe;
});

/** A random adapter in which one module has another rank, and another one another scale. */
function unevenPeft(seed: number): PeftAdapter {
  const { files } = session.model;
  const even = randomPeft(files, { rank: 4, alpha: 8 }, { seed });
  const lower = randomPeft(files, { rank: 2, alpha: 8 }, { seed: seed + 1 });
  const [thin, strong] = [...even.modules.keys()] as [string, string];
  const modules = new Map(even.modules);
  modules.set(thin, lower.modules.get(thin)!);
  modules.set(strong, { ...even.modules.get(strong)!, scale: 5 });
  const config = { ...even.config, rank_pattern: { [thin]: 2 }, alpha_pattern: { [strong]: 20 } };
  return { ...even, config, modules };
}

const job = (change: Partial<TrainJob> = {}): TrainJob => ({
  recipe,
  rows,
  dataFile: 'rows.jsonl',
  initial,
  ...change,
});

const newStore = () => new RunStore(new MemoryDirectory('runs'), freeLocks);

async function begin(store: RunStore, options: TrainOptions, change: Partial<TrainJob> = {}) {
  const storage = { runs: async () => store, name: 'a run', required: true };
  return session.train(job(change), storage, { checkpointSeconds: 1e6, ...options });
}

/** What a session holds after a run: the adapter with its config, and the losses of all steps and evaluations. */
async function resultNow() {
  const { trained } = session;
  const { config, modules } = await trained.toPeft();
  return { config, modules, evalLosses: trained.record!.evalLosses, metrics: trained.training!.metrics() };
}

async function whole() {
  await session.train(job(), null);
  return resultNow();
}

/** A store whose run died in its first step, before it had a checkpoint. */
async function cutOff(change: Partial<TrainJob> = {}) {
  const store = newStore();
  const onEvent = ({ kind }: TrainEvent) => {
    if (kind === 'step') throw new Error('cut off');
  };
  await expect(begin(store, { onEvent }, change)).rejects.toThrow('cut off');
  const [{ id } = { id: '' }] = await store.list();
  expect((await store.look(id)).checkpoints).toEqual([]);
  return { store, id };
}

/** A store whose run was paused after a step. */
async function paused(after: number) {
  const store = newStore();
  const pausing = new AbortController();
  const onEvent = (event: TrainEvent) => {
    if (event.kind === 'step' && event.step === after) pausing.abort('pause');
  };
  await begin(store, { onEvent, signal: pausing.signal });
  const [{ id } = { id: '' }] = await store.list();
  return { store, id };
}

it('a run that dies before its first checkpoint begins with the same adapter again', async () => {
  const expected = await whole();
  const { store, id } = await cutOff();
  await session.resume(store, id);
  expect(await resultNow()).toEqual(expected);
});

it('a run that is resumed from a checkpoint keeps the ranks and scales of its adapter', async () => {
  const expected = await whole();
  for (const after of [1, 3]) {
    const { store, id } = await paused(after);
    const before = await resultNow();
    await session.openCheckpoint(store, id, after);
    expect((await resultNow()).modules).toEqual(before.modules);
    await session.resume(store, id);
    expect(await resultNow()).toEqual(expected);
  }
});

it('a run as a job and back keeps it, too, wherever it is', async () => {
  const expected = await whole();
  const unbegun = memoryJob();
  await session.exportNewJob(job(), 'a run', unbegun.sink, { files: {}, ahead: 1 });
  const begun = memoryJob();
  const { store, id } = await paused(3);
  await session.exportJob(store, id, begun.sink, { files: {}, ahead: 1 });
  for (const { source } of [unbegun, begun]) {
    const back = newStore();
    const { header } = await session.importJob(source, back);
    await session.resume(back, header.id);
    const { config, modules, evalLosses } = await resultNow();
    expect({ config, modules, evalLosses }).toEqual({
      config: expected.config,
      modules: expected.modules,
      evalLosses: expected.evalLosses,
    });
  }
});

it('another adapter than the one that a run began with is refused, and so is one where it began with none', async () => {
  const expected = await whole();
  const { store, id } = await cutOff();
  const resumeWith = (runs: RunStore, run: string, adapter: PeftAdapter) =>
    session.resume(runs, run, {}, () => ({ initial: adapter }));
  await expectGraftError(() => resumeWith(store, id, unevenPeft(9)), 'train.resume_other_adapter');
  await resumeWith(store, id, initial);
  expect(await resultNow()).toEqual(expected);
  const fresh = await cutOff({ initial: null });
  await expectGraftError(() => resumeWith(fresh.store, fresh.id, initial), 'train.resume_other_adapter');
});
