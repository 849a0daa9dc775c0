import { expect, it } from 'vitest';
import { defaultRecipe } from '../../base/config/recipe.ts';
import type { ErrorCode } from '../../base/lib/errors.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { randomRows } from '../../testing/passes.ts';
import { dropped, openRunsEngine } from '../../testing/runsEngine.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import type { SweepEvent, SweepReport, SweepRequest } from './runsProtocol.ts';

const scratch = scratchFolder();

const request = (axes: SweepRequest['axes'], halving = true): SweepRequest => ({
  recipe: { ...defaultRecipe(), rank: 2, batch_size: 1, max_steps: 4, checkpoint_steps: 1 },
  axes,
  halving,
  dataFile: 'a.jsonl',
  rows: randomRows([5, 3, 7, 4]),
  evalRows: randomRows([4, 6]),
});

/** What a sweep has come to, without what differs from start to start. */
const outcome = ({ rows }: SweepReport) => rows.map(({ run, ...row }) => ({ ...row, run: run !== null }));

async function openService() {
  const engine = openRunsEngine(scratch);
  await engine.service.openModel(dropped(tinyModel()));
  return engine;
}

it('reports the queue, and the run that trains; pausing it pauses the sweep, which goes on to the same', async () => {
  const axes = [{ key: 'lr', values: '1e-4, 0.02, 0.05' }] as const;
  const { service: whole } = await openService();
  const events: SweepEvent[] = [];
  const expected = await whole.sweep(request(axes), (event) => events.push(event));
  expect(expected).toMatchObject({
    dataFile: 'a.jsonl',
    model: 'tiny',
    keys: ['lr'],
    over: true,
    training: null,
  });
  // Of three two go on to the second rung, and one to its end.
  expect(expected.rows.map(({ state, steps }) => [state, steps])).toEqual([
    ['finished', 4],
    ['stopped', 2],
    ['stopped', 1],
  ]);
  expect(expected.best).toBe(expected.rows[0]!.index);
  const trained = events.flatMap((event) => (event.kind === 'sweep' ? (event.report.training ?? []) : []));
  expect([...new Set(trained)]).toEqual([0, 1, 2]);
  expect(events.filter((event) => event.kind === 'run' && event.event.kind === 'step').length).toBe(7);

  const { service, headerOf } = await openService();
  const paused = await service.sweep(request(axes), (event) => {
    const isThird = event.kind === 'run' && event.event.kind === 'start';
    if (isThird) void service.pauseTraining();
  });
  expect(paused).toMatchObject({ over: false, training: null, busy: false });
  const listed = await service.sweeps();
  expect(listed.map(outcome)).toEqual([outcome(paused)]);
  const [entry] = await service.runs();
  expect(entry!.head).toMatchObject({
    sweep: paused.id,
    name: 'lr 1e-4, a',
    place: { kind: 'dropped', name: 'tiny' },
  });
  expect(outcome(await service.resumeSweep(paused.id, () => undefined))).toEqual(outcome(expected));
  expect((await headerOf(entry!.id))!.header!.extra).toMatchObject({ sweep: { id: paused.id, index: 0 } });

  await service.removeSweep(paused.id);
  expect(await service.sweeps()).toEqual([]);
  expect((await service.runs()).length).toBe(3);
  await expectGraftError(() => service.resumeSweep(paused.id, () => undefined), 'runs.sweep_not_found');
});

it('goes on with a new device where it was when the device was lost', async () => {
  const axes = [{ key: 'rank', values: '2, 4' }] as const;
  const { service: whole } = await openService();
  const expected = await whole.sweep(request(axes, false), () => undefined);
  expect(expected.rows.map(({ state }) => state)).toEqual(['finished', 'finished']);

  const { service, loseDevice } = await openService();
  let steps = 0;
  const lost = service.sweep(request(axes, false), (event) => {
    if (event.kind === 'run' && event.event.kind === 'step' && (steps += 1) === 6) loseDevice();
  });
  await expectGraftError(() => lost, 'gpu.device_lost');
  await service.openModel(dropped(tinyModel()));
  const [{ id }] = (await service.sweeps()) as [SweepReport];
  expect(outcome(await service.resumeSweep(id, () => undefined))).toEqual(outcome(expected));
});

it.each<[SweepRequest['axes'], ErrorCode]>([
  [[{ key: 'lr', values: '' }], 'train.sweep_few'],
  [[{ key: 'lr', values: '1e-4, fast' }], 'train.recipe_invalid'],
  [[{ key: 'seed', values: '1, 2' }], 'train.sweep_other_rows'],
])('%j is refused, and nothing is stored', async (axes, code) => {
  const { service } = await openService();
  await expectGraftError(() => service.sweep(request(axes), () => undefined), code);
  expect(await service.sweeps()).toEqual([]);
});
