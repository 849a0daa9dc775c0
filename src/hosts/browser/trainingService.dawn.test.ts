import { expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { randomRows } from '../../testing/passes.ts';
import { dropped, openRunsEngine } from '../../testing/runsEngine.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import type { TrainEvent, TrainRequest } from './runsProtocol.ts';

const scratch = scratchFolder();

/** The engine with a tiny model open that has no tokenizer. */
async function openService(options: { stores?: boolean } = {}) {
  const engine = openRunsEngine(scratch, options);
  await engine.service.openModel(dropped(tinyModel()));
  const openOther = () => engine.service.openModel(dropped(tinyModel({ seed: 2 })));
  return { ...engine, api: engine.service, openOther };
}

function request(recipe: Partial<Recipe> = {}): TrainRequest {
  return {
    recipe: { ...defaultRecipe(), rank: 2, batch_size: 1, max_steps: 4, checkpoint_steps: 1, ...recipe },
    name: 'a run',
    dataFile: 'a.jsonl',
    rows: randomRows([5, 3, 7, 4]),
    evalRows: randomRows([4, 6]),
    // Nothing answers it here: the model has no tokenizer.
    samples: [{ text: 'Hello?', ids: [1, 2] }],
  };
}

/** Notes events; `on` may answer them. */
function listener(on: (event: TrainEvent) => void = () => undefined) {
  const events: TrainEvent[] = [];
  const hear = (event: TrainEvent) => {
    events.push(event);
    on(event);
  };
  const of = <Kind extends TrainEvent['kind']>(kind: Kind) =>
    events.filter((event): event is Extract<TrainEvent, { kind: Kind }> => event.kind === kind);
  return { hear, of, id: () => of('stored')[0]!.id };
}

it('a run that another takes over is trained to its end, and not touched any more', async () => {
  const { api, store, loseLocks, headerOf } = await openService();
  const { hear, of, id } = listener((event) => {
    if (event.kind === 'checkpoint' && event.step === 2) loseLocks();
  });
  const outcome = await api.train(request(), hear);
  expect(outcome).toMatchObject({ ended: 'whole', steps: 4, result: { step: 4, stored: false } });
  expect(of('takenOver')).toMatchObject([{ error: { code: 'runs.taken_over', params: { run: 'a run' } } }]);
  expect(of('storageFull')).toEqual([]);
  expect(of('checkpoint').map(({ step }) => step)).toEqual([1, 2]);
  const files = await api.adapterFiles([], 'someone/adapter');
  expect(files.map(({ name }) => name)).toContain('adapter_model.safetensors');
  expect(await headerOf(id())).toMatchObject({ busy: false, header: { state: 'running' } });
  expect((await (await store.look(id())).load()).info).toMatchObject({ step: 2 });

  const again = listener();
  expect(await api.resumeRun(id(), again.hear)).toMatchObject({ ended: 'whole', steps: 4 });
  expect(again.of('resumed')).toMatchObject([{ step: 2 }]);
});

it('who stops on a full disk is asked about the last checkpoint alone, and can go on later', async () => {
  const { api, disk, store, headerOf } = await openService();
  const { hear, of, id } = listener((event) => {
    if (event.kind === 'step' && event.step === 2) disk.full = true;
    if (event.kind !== 'storageFull') return;
    if (event.step === 2) void api.stopTraining();
    else void api.answerStorage('skip');
  });
  const outcome = await api.train(request(), hear);
  expect(of('storageFull').map(({ step }) => step)).toEqual([2, 3]);
  expect(outcome).toMatchObject({ ended: 'stopped', steps: 3, result: { step: 3, stored: false } });
  expect(of('sample')).toEqual([]);
  // It counts as cut off: that it was stopped could not be written either.
  expect(await headerOf(id())).toMatchObject({ busy: false, header: { state: 'running' } });

  disk.full = false;
  const again = listener();
  const whole = await api.resumeRun(id(), again.hear);
  expect(again.of('resumed')).toMatchObject([{ step: 1, damaged: [] }]);
  expect(whole).toMatchObject({ ended: 'whole', steps: 4, result: { step: 4, stored: true } });
  expect(await headerOf(id())).toMatchObject({ header: { state: 'done', progress: { step: 4 } } });
  expect((await store.look(id())).checkpoints.map(({ step }) => step)).toEqual([3, 4]);
});

it('a run whose model is not open stays as it was', async () => {
  const { api, headerOf, openOther, store } = await openService();
  const { hear, id } = listener((event) => {
    if (event.kind === 'step' && event.step === 2) void api.pauseTraining();
  });
  expect(await api.train(request(), hear)).toMatchObject({ ended: 'paused', steps: 2 });
  const before = await headerOf(id());
  expect(before).toMatchObject({ busy: false, header: { state: 'paused' } });
  await openOther();
  await expectGraftError(() => api.resumeRun(id(), hear), 'train.resume_other_model');
  await expectGraftError(() => api.openCheckpoint(id(), 2, () => undefined), 'train.resume_other_model');
  expect(await headerOf(id())).toEqual(before);
  expect((await (await store.look(id())).curves()).records.filter(({ kind }) => kind === 'resumed')).toEqual(
    [],
  );
});

it('who pauses in the last step has a whole run', async () => {
  const { api, headerOf } = await openService();
  const { hear, id } = listener((event) => {
    if (event.kind === 'step' && event.step === 4) void api.pauseTraining();
  });
  expect(await api.train(request(), hear)).toMatchObject({ ended: 'whole', steps: 4 });
  expect(await headerOf(id())).toMatchObject({ header: { state: 'done' } });
});

it('the best is a checkpoint that can be taken, with its own loss', async () => {
  const { api, store } = await openService();
  const { hear, of, id } = listener();
  const recipe = { eval_steps: 2, load_best: true, lr: 0.3, max_steps: 8, checkpoint_steps: 3 };
  const { best, result } = await api.train(request(recipe), hear);
  expect(result).toEqual({ step: best!.step, stored: true });
  const losses = new Map(of('eval').map(({ step, loss }) => [step, loss]));
  const { checkpoints } = await store.look(id());
  expect(checkpoints.find((one) => one.best)).toMatchObject({ step: best!.step, evalLoss: best!.loss });
  for (const { step, evalLoss } of checkpoints) expect(evalLoss).toBe(losses.get(step) ?? null);
});

it('a run that cannot be stored trains as well, and says so', async () => {
  const { api } = await openService({ stores: false });
  const { hear, of } = listener();
  expect(await api.train(request(), hear)).toMatchObject({
    ended: 'whole',
    result: { step: 4, stored: false },
  });
  expect(of('notStored')).toMatchObject([{ error: { code: 'storage.opfs_denied' } }]);
  expect(of('stored')).toEqual([]);
});

it('a run whose device is lost counts as cut off, and belongs to nobody', async () => {
  const { api, headerOf, loseDevice } = await openService();
  const { hear, id } = listener((event) => {
    if (event.kind === 'checkpoint' && event.step === 2) void loseDevice();
  });
  await expectGraftError(() => api.train(request(), hear), 'gpu.device_lost');
  expect(await headerOf(id())).toMatchObject({ busy: false, header: { state: 'running', failure: null } });
});
