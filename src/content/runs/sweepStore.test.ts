import { expect, it } from 'vitest';
import { defaultRecipe } from '../../base/config/recipe.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { nodeDirectory } from '../../base/storage/nodeDirectory.ts';
import { nodeLocks } from '../../base/storage/nodeLocks.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { freeLocks } from '../../testing/freeLocks.ts';
import { SweepStore, type NewSweep } from './sweepStore.ts';

const scratch = scratchFolder();

const someSweep = (): NewSweep => ({
  data: { file: 'rows.jsonl', validation: 'held-out.jsonl' },
  fingerprint: 'f00d',
  digest: 'd1935',
  eta: 2,
  rungs: 1,
  runs: [1e-4, 3e-4].map((lr) => ({
    name: `lr ${lr}`,
    recipe: { ...defaultRecipe(), lr },
    id: null,
    steps: 0,
    totalSteps: 8,
    rungs: [],
    end: null,
  })),
  extra: { place: 'here' },
});

it('keeps what was written, the newest sweep first', async () => {
  let now = 0;
  const store = new SweepStore(new MemoryDirectory('sweeps'), freeLocks, () => (now += 1000));
  const first = await store.create(someSweep());
  await first.change(1, { id: 'a run', steps: 4, rungs: [null] });
  await first.change(0, {
    end: { kind: 'failed', loss: null, failure: { code: 'train.diverged', params: { step: 3 } } },
  });
  await first.close();
  const second = await store.create(someSweep());
  await second.close();
  const listed = await store.list();
  expect(listed.map(({ sweep }) => sweep.id)).toEqual([second.sweep.id, first.sweep.id]);
  expect(listed[1]!.sweep).toEqual(first.sweep);
  expect(listed[1]!.sweep).toMatchObject({
    ...someSweep(),
    runs: [{ end: { kind: 'failed' } }, { rungs: [null] }],
  });
  const again = await store.open(first.sweep.id);
  expect(again.sweep).toEqual(first.sweep);
  await again.close();
  await store.remove(first.sweep.id);
  expect((await store.list()).map(({ sweep }) => sweep.id)).toEqual([second.sweep.id]);
  await expectGraftError(() => store.open(first.sweep.id), 'runs.sweep_not_found');
});

it('has one owner at a time', async () => {
  const [root, locks] = [nodeDirectory(scratch), nodeLocks(scratch)];
  const [mine, other] = [new SweepStore(root, locks), new SweepStore(root, locks)];
  const open = await mine.create(someSweep());
  const { id } = open.sweep;
  expect(await other.list()).toMatchObject([{ busy: true }]);
  await expectGraftError(() => other.open(id), 'runs.sweep_in_use');
  await expectGraftError(() => other.remove(id), 'runs.sweep_in_use');
  await open.close();
  expect(await other.list()).toMatchObject([{ busy: false }]);
  await (await other.open(id)).close();
});

it('is damaged where both of its slots are, and older where one is', async () => {
  const root = new MemoryDirectory('sweeps');
  const store = new SweepStore(root, freeLocks);
  const open = await store.create(someSweep());
  const { id } = open.sweep;
  await open.change(0, { steps: 2 });
  await open.change(0, { steps: 3 });
  await open.close();
  const folder = await root.directory(id);
  const slots = [...folder.files.keys()].filter((file) => file.startsWith('sweep.')).sort();
  expect(slots.length).toBe(2);
  folder.files.set(slots[0]!, folder.files.get(slots[0]!)!.subarray(0, 40));
  expect((await store.list())[0]!.sweep.runs[0]!.steps).toBe(2);
  folder.files.set(slots[1]!, new Uint8Array(100));
  expect(await store.list()).toEqual([]);
  await expectGraftError(() => store.open(id), 'runs.sweep_damaged');
});
