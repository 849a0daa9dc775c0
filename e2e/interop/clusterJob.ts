// A run of 30 steps, and the same as a job after 10: `make FOLDER` exports it, takes it back untouched and ends it here;
// `back FOLDER` takes it back with ten steps of a cluster. One "ok …" or "FAIL …" line a check.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseRecipe } from '../../src/base/config/recipe.ts';
import { nodeDirectory } from '../../src/base/storage/nodeDirectory.ts';
import { nodeFolder } from '../../src/base/storage/nodeFolder.ts';
import { nodeLocks } from '../../src/base/storage/nodeLocks.ts';
import { splitDataset } from '../../src/content/data/tokens/split.ts';
import { tokenRowsOf } from '../../src/content/data/tokens/tokenRows.ts';
import { RunStore } from '../../src/content/runs/runStore.ts';
import { closeDawn } from '../../src/hosts/node/dawn.ts';
import { nodeHost } from '../../src/hosts/node/host.ts';
import { readJobFiles } from '../../src/hosts/node/jobFiles.ts';
import { jobSource } from '../../src/hosts/node/cli/jobFolders.ts';
import { createRandom } from '../../src/base/lib/random.ts';
import { Session } from '../../src/session/session.ts';
import type { TrainJob, TrainOptions } from '../../src/session/trainJob.ts';

const model = join(import.meta.dirname, '..', 'fixtures', 'models', 'tiny-qwen3');
const [STEPS, HERE] = [30, 10];
const [LOSS_BOUND, ADAPTER_BOUND] = [1e-4, 1e-3];

/** What a run came to: the loss of each step it did here, and its adapter's numbers. */
interface Ended {
  losses: Record<number, number>;
  adapter: Float32Array;
}

const [mode, folder] = process.argv.slice(2) as ['make' | 'back', string];
const session = new Session(nodeHost());
try {
  await session.openModel(nodeFolder(model), { cacheQuantized: false });
  await (mode === 'make' ? make() : back());
} finally {
  await session.close();
  closeDawn();
}

async function make(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const whole = await run('whole', () => false);
  writeFileSync(join(folder, 'whole.json'), JSON.stringify({ ...whole, adapter: [...whole.adapter] }));
  const part = storeAt('part');
  await run('part', (step) => step === HERE);
  const out = join(folder, 'job');
  await session.exportJob(part, (await part.list())[0]!.id, sink(out), { files: readJobFiles() });
  const again = storeAt('again');
  const { step, header } = await session.importJob(jobSource(out), again);
  const ended = await resume(again, header.id);
  const same =
    step === HERE &&
    Object.entries(ended.losses).every(([at, loss]) => loss === whole.losses[Number(at)]) &&
    ended.adapter.every((value, i) => value === whole.adapter[i]);
  report(
    same,
    `job: exported after step ${HERE} and taken back, ${STEPS} steps are those of one run, bit for bit`,
  );
}

async function back(): Promise<void> {
  const whole = JSON.parse(readFileSync(join(folder, 'whole.json'), 'utf8')) as Ended;
  const store = storeAt('back');
  const { step, steps, header } = await session.importJob(jobSource(join(folder, 'job')), store);
  const ended = await resume(store, header.id);
  const records = (await (await store.look(header.id)).curves()).records.filter(
    ({ kind }) => kind === 'step',
  );
  const joined =
    records.map((record) => record.step).join() === Array.from({ length: STEPS }, (_, i) => i + 1).join();
  report(
    joined && step === 2 * HERE && steps === HERE,
    `job: the curve has ${STEPS} steps, ${HERE} of them from the cluster`,
  );
  const [visit] = session.trained.training!.record().elsewhere ?? [];
  report(
    visit?.from === HERE + 1 && visit.to === 2 * HERE,
    'job: the record of the run says which steps were done there',
  );
  const losses = { ...ended.losses };
  for (const record of records) if (record.kind === 'step') losses[record.step] = record.loss;
  const off = Math.max(
    ...Object.entries(whole.losses).map(([at, loss]) => Math.abs(losses[Number(at)]! - loss) / loss),
  );
  report(
    off <= LOSS_BOUND,
    `job: ${HERE} steps here, ${HERE} there, ${HERE} here: losses off by ${off.toExponential(1)}`,
  );
  const largest = Math.max(...whole.adapter.map((value: number) => Math.abs(value)));
  const error = Math.max(...ended.adapter.map((value, i) => Math.abs(value - whole.adapter[i]!))) / largest;
  report(error <= ADAPTER_BOUND, `job: and the adapter by ${error.toExponential(1)} of its largest entry`);
}

function storeAt(name: string): RunStore {
  const path = join(folder, 'runs', name);
  return new RunStore(nodeDirectory(path), nodeLocks(path));
}

/** Trains into a store; `stop` is asked after each step. */
async function run(name: string, stop: (step: number) => boolean): Promise<Ended> {
  rmSync(join(folder, 'runs', name), { recursive: true, force: true });
  const { options, losses } = watched(stop);
  await session.train(job(), { runs: async () => storeAt(name), name, required: true }, options);
  return { losses, adapter: await adapterNow() };
}

async function resume(store: RunStore, id: string): Promise<Ended> {
  const { options, losses } = watched(() => false);
  await session.resume(store, id, options);
  return { losses, adapter: await adapterNow() };
}

function watched(stop: (step: number) => boolean): { options: TrainOptions; losses: Record<number, number> } {
  const stopping = new AbortController();
  const losses: Record<number, number> = {};
  const options: TrainOptions = {
    signal: stopping.signal,
    checkpointSeconds: 1e9,
    onEvent(event) {
      if (event.kind !== 'step') return;
      losses[event.step] = event.loss;
      if (stop(event.step)) stopping.abort('pause');
    },
  };
  return { options, losses };
}

async function adapterNow(): Promise<Float32Array> {
  const { modules } = await session.trained.toPeft();
  return Float32Array.from([...modules.values()].flatMap(({ a, b }) => [...a, ...b]));
}

/** Rows whose steps are not all full: 21 rows, 4 a step. */
function job(): TrainJob {
  const random = createRandom(5);
  const rows = Array.from({ length: 26 }, () => {
    const ids = Array.from({ length: 4 + random.below(24) }, () => 3 + random.below(500));
    return { ids, labels: ids.map((id) => (random.next() < 0.3 ? -100 : id)) };
  });
  const recipe = parseRecipe({
    rank: 4,
    alpha: 8,
    lr: 0.005,
    warmup_steps: 3,
    weight_decay: 0.01,
    max_steps: STEPS,
    batch_size: 2,
    grad_accum: 2,
    max_length: 64,
    eval_fraction: 0.2,
    eval_steps: 10,
    dtype: 'f32',
  });
  return {
    recipe,
    rows: splitDataset(tokenRowsOf(rows), recipe.eval_fraction, recipe.seed),
    dataFile: 'rows.jsonl',
  };
}

function sink(path: string) {
  return {
    async create(file: string) {
      const at = file.lastIndexOf('/');
      return nodeDirectory(join(path, file.slice(0, Math.max(at, 0)))).create(file.slice(at + 1));
    },
  };
}

function report(isOk: boolean, text: string): void {
  console.log(`${isOk ? 'ok' : 'FAIL'} ${text}`);
}
