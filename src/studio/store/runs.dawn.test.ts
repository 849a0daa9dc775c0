import { expect, it, vi } from 'vitest';
import { GraftError } from '../../base/lib/errors.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { someRun } from '../../testing/newRun.ts';
import { patience } from '../../testing/patience.ts';
import { dropped, openRunsEngine } from '../../testing/runsEngine.ts';
import { textInThread } from '../../content/guard/textInThread.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { serviceClient, noCache } from '../../testing/workers.ts';
import { createDataService } from '../../hosts/browser/dataService.ts';
import type { DataApi } from '../../hosts/browser/dataProtocol.ts';
import { createHubService } from '../../hosts/browser/hubService.ts';
import type { HubApi } from '../../hosts/browser/hubProtocol.ts';
import type { EngineApi, TrainEvent } from '../../hosts/browser/protocol.ts';
import { Metrics } from './metrics.ts';
import type { RunState } from './state/run.ts';
import { isUnsaved } from './state.ts';
import { createStudio } from './studio.ts';

const scratch = scratchFolder();
const rows = Array.from({ length: 8 }, (_, i) => JSON.stringify({ input_ids: [1, 2 + i, 3, 4, 5 + i] }));
const data = new File([rows.join('\n')], 'ids.jsonl');

/**
 * A page with a tiny model and data, whose engine trains on Dawn. `hear` receives the engine's events before the page
 * does.
 */
async function openPage({ stores = true, recipe = {} } = {}) {
  const engine = openRunsEngine(scratch, { stores });
  let hear: (event: TrainEvent) => void = () => undefined;
  const service: EngineApi = {
    ...engine.service,
    train: (request, onEvent) => engine.service.train(request, (event) => (hear(event), onEvent(event))),
  };
  const workers = {
    engine: serviceClient<EngineApi>(service),
    data: serviceClient<DataApi>(createDataService(textInThread)),
    hub: serviceClient<HubApi>(createHubService(noCache)),
  };
  const studio = createStudio({ workers, metrics: new Metrics() });
  const page = () => studio.getState();
  await page().chooseModel(dropped(tinyModel()));
  await page().openDataset({ kind: 'file', file: data });
  const small = { rank: 2, batch_size: 1, max_steps: 5, checkpoint_steps: 1, eval_fraction: 0 };
  page().setFields({ ...small, ...recipe });
  const statuses: RunState['status'][] = [];
  studio.subscribe(({ run }) => {
    if (statuses.at(-1) !== run.status) statuses.push(run.status);
  });
  const onEvent = (listener: typeof hear) => (hear = listener);
  return { ...engine, page, statuses, onEvent };
}

it('a pause or stop before the engine has started is not lost', async () => {
  const { page } = await openPage();
  const paused = page().train();
  await page().pauseTraining();
  await paused;
  expect(page().run).toMatchObject({ status: 'done', outcome: { ended: 'paused', steps: 1 } });
  const stopped = page().continueRun(page().run.id!);
  await page().stopTraining();
  await stopped;
  expect(page().run).toMatchObject({ status: 'done', outcome: { ended: 'stopped', steps: 2 } });
});

it('a stop survives the loss of the device: the run resumes only to end', async () => {
  const { page, onEvent, statuses, loseDevice } = await openPage();
  onEvent((event) => {
    if (event.kind !== 'checkpoint' || event.step !== 2) return;
    void loseDevice();
    void page().stopTraining();
  });
  await page().train();
  expect(page().run).toMatchObject({
    status: 'done',
    recoveries: 1,
    modelLost: false,
    outcome: { ended: 'stopped', steps: 3, result: { step: 3, stored: true } },
  });
  expect(statuses).toEqual(['preparing', 'running', 'stopping', 'done']);
  expect(page().model.status).toBe('ready');
});

it('a run resumes after losing its device, and fails if its model is gone', async () => {
  const { page, onEvent, loseDevice } = await openPage();
  onEvent((event) => void (event.kind === 'checkpoint' && event.step === 2 && loseDevice()));
  await page().train();
  expect(page().run).toMatchObject({ recoveries: 1, outcome: { ended: 'whole', steps: 5 } });
  expect(page().adapter).toMatchObject({ steps: 5, run: page().run.id });

  const { page: other, onEvent: onOther } = await openPage();
  onOther((event) => {
    if (event.kind === 'checkpoint') throw new GraftError('gpu.out_of_memory', { label: '', bytes: 1 });
  });
  await other().train();
  expect(other().run).toMatchObject({ status: 'failed', error: { code: 'gpu.out_of_memory' } });
  expect(other().model).toMatchObject({ status: 'none', error: { code: 'gpu.out_of_memory' } });
});

it('asks before losing what no checkpoint has', async () => {
  const { page, onEvent, disk } = await openPage();
  onEvent((event) => {
    if (event.kind === 'step' && event.step === 5) disk.full = true;
    if (event.kind === 'storageFull') void page().answerStorage('skip');
  });
  await page().train();
  expect(page().adapter).toMatchObject({ steps: 5, run: null });
  expect(isUnsaved(page())).toBe(true);
});

it('loads a checkpoint of a run whose model is not open, after one confirmation', async () => {
  const { page } = await openPage();
  await page().train();
  const { id } = page().run;
  await vi.waitFor(() => expect(page().runs.entries).toHaveLength(1), patience);
  expect(isUnsaved(page())).toBe(false);
  // Another model by name: the run's can't be found without the user.
  await page().chooseModel(dropped(tinyModel({ seed: 2 }), 'other'));
  await page().takeCheckpoint(id!, 4);
  expect(page().adapter).toBeNull();
  await page().chooseModel(dropped(tinyModel()));
  await page().takeCheckpoint(id!, 4);
  expect(page()).toMatchObject({ runs: { error: null }, adapter: { steps: 4, run: id, method: 'lora' } });
  // Once deleted, it exists only here.
  page().removeRun(id!);
  page().answerQuestion(true);
  await vi.waitFor(() => expect(page().runs.entries).toHaveLength(0), patience);
  expect(isUnsaved(page())).toBe(true);
  await page().chooseModel(dropped(tinyModel({ seed: 2 }), 'other'));
  expect(page().question?.kind).toBe('discard');
  page().answerQuestion(true);
  await vi.waitFor(() => expect(page().model.summary?.name).toBe('other'), patience);
  expect(page().question).toBeNull();
});

it('a run of another tab can be resumed once that tab is gone, without a reload', async () => {
  const { page, store } = await openPage();
  const other = await store.create(someRun());
  await page().refreshRuns();
  const status = () => page().runs.entries[0]?.head?.status;
  expect(status()).toBe('elsewhere');
  await other.close();
  await vi.waitFor(() => expect(status()).toBe('cut'), patience);
});

it('a learning rate search that is stopped at once ends', async () => {
  const { page } = await openPage();
  const search = page().searchLr();
  await page().stopSearch();
  await search;
  expect(page().lrSearch).toMatchObject({ status: 'idle', done: true, error: null });
  expect(page().lrSearch.points.length).toBeLessThan(3);
});
