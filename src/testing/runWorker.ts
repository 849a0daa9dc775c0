import shaders from 'virtual:shaders';
import { defaultRecipe } from '../config/recipe.ts';
import { openGpu } from '../gpu/device.ts';
import { openDecoder } from '../model/openDecoder.ts';
import { openModelFiles } from '../model/openModel.ts';
import type { Run } from '../runs/run.ts';
import { RunStore } from '../runs/runStore.ts';
import type { CheckpointData } from '../runs/types.ts';
import { opfsDirectory } from '../storage/opfsDirectory.ts';
import { removeOpfsFolder } from '../storage/opfsRoot.ts';
import { webLocks } from '../storage/webLocks.ts';
import { startAdapter } from '../train/startAdapter.ts';
import { train } from '../train/trainer.ts';
import { digestOf, madeUpState } from './checkpoints.ts';
import { someRun } from './newRun.ts';
import { randomRows } from './passes.ts';
import { tinyModel } from './tinyModel.ts';

/** What a test asks of its worker: to go on with the run in `folder`, or to clear it. */
export interface RunTask {
  kind: 'train' | 'save' | 'clear';
  folder: string;
  /** Steps of the whole run. */
  steps: number;
  /** Tells the digest of every checkpoint that is committed. */
  digests: boolean;
}

/** What it tells. */
export type RunNews =
  /** What was there. `curves`: how many steps the curves tell of. */
  | { kind: 'loaded'; step: number; digest: string; passedOver: number; curves: number }
  /** A checkpoint is safe from now on. */
  | { kind: 'committed'; step: number; digest: string | null }
  | { kind: 'done'; params: string | null }
  | { kind: 'failed'; error: string };

const tell = (news: RunNews): void => self.postMessage(news);

async function openRun(folder: string): Promise<Run> {
  const store = new RunStore(await opfsDirectory(folder), webLocks(), { chunkBytes: 64 * 1024 });
  const [newest] = await store.list();
  return newest ? store.open(newest.id, 5000) : store.create(someRun());
}

async function run({ kind, folder, steps, digests }: RunTask): Promise<string | null> {
  if (kind === 'clear') {
    await removeOpfsFolder(folder);
    return null;
  }
  const opened = await openRun(folder);
  if (!opened.owned) throw new Error('the run has another owner');
  const { checkpoint, passedOver } = await opened.load();
  const step = checkpoint?.step ?? 0;
  await opened.resumeFrom(step);
  const told = (await opened.curves()).records.filter((record) => record.kind === 'step');
  const digest = checkpoint ? await digestOf(checkpoint) : '';
  tell({ kind: 'loaded', step, digest, passedOver: passedOver.length, curves: told.length });
  const save = async (data: CheckpointData): Promise<void> => {
    await opened.save(data);
    const saved = digests ? await digestOf((await opened.load(data.step)).checkpoint!) : null;
    tell({ kind: 'committed', step: data.step, digest: saved });
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
  opened: Run,
  resume: CheckpointData | null,
  steps: number,
  save: (data: CheckpointData) => Promise<void>,
): Promise<string> {
  const recipe = {
    ...defaultRecipe(),
    ...{ rank: 4, alpha: 8, lr: 1e-2, batch_size: 2, grad_accum: 2, dropout: 0.2, checkpoint_steps: 1 },
    ...{ shuffle: true, max_steps: steps },
  };
  const gpu = await openGpu(navigator.gpu, shaders);
  const decoder = await openDecoder(gpu, await openModelFiles(tinyModel()), 'f32');
  const adapter = await startAdapter(decoder, recipe, null);
  await train({
    ...{ decoder, adapter, recipe, resume, dataset: randomRows([5, 3, 7, 4, 6, 2, 8, 5]), evalDataset: null },
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
