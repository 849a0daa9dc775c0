import shaders from 'virtual:shaders';
import { defaultRecipe } from '../../base/config/recipe.ts';
import { openGpu } from '../../engine/gpu/device.ts';
import { openDecoder } from '../../engine/model/weights/openDecoder.ts';
import { openModelFiles } from '../../engine/model/spec/openModel.ts';
import type { StoredRun } from '../../content/runs/storedRun.ts';
import { RunStore } from '../../content/runs/runStore.ts';
import type { CheckpointData } from '../../content/runs/types.ts';
import { opfsDirectory } from '../../base/storage/opfsDirectory.ts';
import { removeOpfsFolder } from '../../base/storage/opfsRoot.ts';
import type { Directory } from '../../base/storage/types.ts';
import { webLocks } from '../../base/storage/webLocks.ts';
import { startAdapter } from '../../engine/train/startAdapter.ts';
import { train } from '../../engine/train/trainer.ts';
import { digestOf, madeUpState } from '../checkpoints.ts';
import { dyingDirectory } from '../dyingDirectory.ts';
import { someRun } from '../newRun.ts';
import { randomRows } from '../passes.ts';
import { tinyModel } from '../tinyModel.ts';

/** What a test asks of its worker: to go on with the run in `folder`, or to clear it. */
export interface RunTask {
  kind: 'train' | 'save' | 'clear';
  folder: string;
  /** Steps of the whole run. */
  steps: number;
  /** Tells the digest of every checkpoint that is committed. */
  digests: boolean;
  /** The number of the change of the folder in which it is to be killed; null lets it end. */
  dieAt: number | null;
}

/** What it tells. */
export type RunNews =
  /** What was there. `curves`: how many steps the curves tell of. `changes`: how many the worker has made so far. */
  | { kind: 'loaded'; step: number; digest: string; passedOver: number; curves: number; changes: number }
  /** A checkpoint is safe from now on. */
  | { kind: 'committed'; step: number; digest: string | null; changes: number }
  /** It has come to the change in which it is to be killed, and does nothing any more. */
  | { kind: 'dying' }
  | { kind: 'done'; params: string | null }
  | { kind: 'failed'; error: string };

const tell = (news: RunNews): void => self.postMessage(news);

/** How long the locks of a killed worker may outlive it, on a busy machine. */
const RELEASE_MS = 120_000;

async function openRun(folder: Directory): Promise<StoredRun> {
  const store = new RunStore(folder, webLocks(), { chunkBytes: 64 * 1024 });
  const [newest] = await store.list();
  return newest ? store.open(newest.id, RELEASE_MS) : store.create(someRun());
}

async function run({ kind, folder, steps, digests, dieAt }: RunTask): Promise<string | null> {
  if (kind === 'clear') {
    await removeOpfsFolder(folder);
    return null;
  }
  const victim = dyingDirectory(await opfsDirectory(folder), dieAt ?? Infinity, () => {
    tell({ kind: 'dying' });
    return new Promise<never>(() => undefined);
  });
  const changes = () => victim.changes.length;
  const opened = await openRun(victim.folder);
  if (!opened.owned) throw new Error('the run has another owner');
  const { checkpoint, passedOver } = await opened.load();
  const step = checkpoint?.step ?? 0;
  await opened.resumeFrom(step);
  const told = (await opened.curves()).records.filter((record) => record.kind === 'step');
  const digest = checkpoint ? await digestOf(checkpoint) : '';
  tell({
    kind: 'loaded',
    step,
    digest,
    passedOver: passedOver.length,
    curves: told.length,
    changes: changes(),
  });
  const save = async (data: CheckpointData): Promise<void> => {
    await opened.save(data);
    const saved = digests ? await digestOf((await opened.load(data.step)).checkpoint!) : null;
    tell({ kind: 'committed', step: data.step, digest: saved, changes: changes() });
  };
  const numbers = { at: 0, loss: 1, gradNorm: 1, lr: 1, tokens: 1, contextTokens: 1, skipped: false };
  if (kind === 'train') return trainFrom(opened, checkpoint, steps, save);
  for (let n = step + 1; n <= steps; n++) {
    await opened.record({ kind: 'step', step: n, ...numbers });
    await save(madeUpState(n));
  }
  return null;
}

/** Trains a tiny model with all that makes resuming hard: shuffled rows, dropout, packing, several micro-batches. */
async function trainFrom(
  opened: StoredRun,
  resume: CheckpointData | null,
  steps: number,
  save: (data: CheckpointData) => Promise<void>,
): Promise<string> {
  const recipe = {
    ...defaultRecipe(),
    rank: 4,
    alpha: 8,
    lr: 1e-2,
    batch_size: 2,
    grad_accum: 2,
    dropout: 0.2,
    checkpoint_steps: 1,
    shuffle: true,
    max_steps: steps,
  };
  const gpu = await openGpu(navigator.gpu, shaders);
  const decoder = await openDecoder(gpu, await openModelFiles(tinyModel()), 'f32');
  const adapter = await startAdapter(decoder, recipe, null);
  await train({
    decoder,
    adapter,
    recipe,
    resume,
    dataset: randomRows([5, 3, 7, 4, 6, 2, 8, 5]),
    evalDataset: null,
    checkpoints: { seconds: 1e6, model: 'tiny', save },
    onStep: ({ totalSteps: _, ...report }) => void opened.record({ kind: 'step', at: 0, ...report }),
    onEval: () => undefined,
    shouldStop: () => false,
  });
  return digestOf((await opened.load()).checkpoint!);
}

self.onmessage = async ({ data }: MessageEvent<RunTask>) => {
  const ended = run(data).then(
    (params): RunNews => ({ kind: 'done', params }),
    (error: unknown): RunNews => ({ kind: 'failed', error: String(error) }),
  );
  tell(await ended);
};
