import shaders from 'virtual:shaders';
import { openGpu } from '../../engine/gpu/device.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { mergeJob } from '../../engine/merge/mergeJob.ts';
import { mergeProved } from '../../engine/merge/mergeProved.ts';
import { openModelFiles } from '../../engine/model/spec/openModel.ts';
import { opfsDirectory } from '../../base/storage/opfsDirectory.ts';
import { removeOpfsFolder } from '../../base/storage/opfsRoot.ts';
import type { Folder } from '../../base/storage/types.ts';
import { dyingDirectory } from '../dyingDirectory.ts';
import { hashesOf } from '../hashes.ts';
import { randomPeft } from '../mergeAdapter.ts';
import { tinyModel } from '../tinyModel.ts';

/** What a test asks of its worker: to merge, to look at what is there as a page that opens a model does, to clear. */
export interface MergeTask {
  kind: 'merge' | 'look' | 'clear';
  /** The number of the change of the folder in which it is to be killed; null lets it end. */
  dieAt?: number | null;
}

/** What it tells. */
export type MergeNews =
  /** It has come to that change, and does nothing any more. */
  { kind: 'dying' } | ({ kind: 'done' } & MergeAnswer) | { kind: 'failed'; error: string };

export interface MergeAnswer {
  /** Hashes of the model's files by name, in hex; null where there is no model. */
  hashes: Record<string, string> | null;
  /** Bytes that a merge went on with. */
  kept: number;
  alreadyFinished: boolean;
  /** How many changes it made. */
  changes: number;
}

const FOLDER = 'merge-kills';
const config = { hidden_size: 64, intermediate_size: 256, num_hidden_layers: 4, vocab_size: 512 };

const tell = (news: MergeNews): void => self.postMessage(news);

async function run({ kind, dieAt }: MergeTask): Promise<MergeAnswer> {
  const answer: MergeAnswer = { hashes: null, kept: 0, alreadyFinished: false, changes: 0 };
  if (kind === 'clear') await removeOpfsFolder(FOLDER);
  const folder = await opfsDirectory(FOLDER);
  if (kind === 'merge') {
    const victim = dyingDirectory(folder, dieAt ?? Infinity, () => {
      tell({ kind: 'dying' });
      return new Promise<never>(() => undefined);
    });
    const base = await openModelFiles(
      tinyModel({ config, dtype: 'BF16', files: { 'tokenizer.json': '{}' } }),
    );
    const job = mergeJob(base, randomPeft(base, { targets: 'all-linear' }));
    const gpu = await openGpu(navigator.gpu, shaders);
    const { alreadyFinished } = await mergeProved(gpu, job, victim.folder, {
      maxShardBytes: 250_000,
      onContinue: (bytes) => (answer.kept = bytes),
    });
    Object.assign(answer, { alreadyFinished, changes: victim.changes.length });
  }
  if (await isModel(folder)) answer.hashes = await hashesOf(folder);
  return answer;
}

async function isModel(folder: Folder): Promise<boolean> {
  try {
    await openModelFiles(folder);
    return true;
  } catch (error) {
    if (error instanceof GraftError) return false;
    throw error;
  }
}

self.onmessage = async ({ data }: MessageEvent<MergeTask>) => {
  const ended = run(data).then(
    (answer): MergeNews => ({ kind: 'done', ...answer }),
    (error: unknown): MergeNews => ({ kind: 'failed', error: String(error) }),
  );
  tell(await ended);
};
