import shaders from 'virtual:shaders';
import { openGpu } from '../gpu/device.ts';
import { GraftError } from '../lib/errors.ts';
import { mergeJob } from '../merge/mergeJob.ts';
import { mergeProved } from '../merge/mergeProved.ts';
import { openModelFiles } from '../model/openModel.ts';
import { opfsDirectory } from '../storage/opfsDirectory.ts';
import { removeOpfsFolder } from '../storage/opfsRoot.ts';
import type { Directory, Folder } from '../storage/types.ts';
import { hashesOf } from './hashes.ts';
import { randomPeft } from './mergeAdapter.ts';
import { tinyModel } from './tinyModel.ts';

/** What a test asks of its worker: to merge, to look at what is there as a page that opens a model does, to clear. */
export interface MergeTask {
  kind: 'merge' | 'look' | 'clear';
  /** How long a write of weights takes at the least, in milliseconds, so that a merge is long in writing. */
  writeMs: number;
}

/** Hashes of the model's files by name, in hex; null where there is no model. `kept` is what a merge went on with. */
export interface MergeAnswer {
  hashes: Record<string, string> | null;
  kept: number;
  error: string | null;
}

const FOLDER = 'merge-kills';
const config = { hidden_size: 64, intermediate_size: 256, num_hidden_layers: 4, vocab_size: 512 };

async function run({ kind, writeMs }: MergeTask): Promise<Omit<MergeAnswer, 'error'>> {
  let kept = 0;
  if (kind === 'clear') await removeOpfsFolder(FOLDER);
  if (kind === 'merge') {
    const folder = slow(await opfsDirectory(FOLDER), writeMs);
    const base = await openModelFiles(
      tinyModel({ config, dtype: 'BF16', files: { 'tokenizer.json': '{}' } }),
    );
    const job = mergeJob(base, randomPeft(base, { targets: 'all-linear' }));
    const gpu = await openGpu(navigator.gpu, shaders);
    await mergeProved(gpu, job, folder, { maxShardBytes: 250_000, onContinue: (bytes) => (kept = bytes) });
  }
  const folder = await opfsDirectory(FOLDER);
  return { hashes: (await isModel(folder)) ? await hashesOf(folder) : null, kept };
}

function slow(folder: Directory, ms: number): Directory {
  return {
    ...folder,
    async edit(file) {
      const opened = await folder.edit(file);
      const wait = () => new Promise((resolve) => setTimeout(resolve, ms));
      return {
        ...opened,
        async write(offset, bytes) {
          // In two halves: a kill may come between them.
          const half = bytes.byteLength >> 1;
          await opened.write(offset, bytes.subarray(0, half));
          await wait();
          await opened.write(offset + half, bytes.subarray(half));
        },
      };
    },
  };
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
  const failed = (error: unknown): MergeAnswer => ({ hashes: null, kept: 0, error: String(error) });
  const answered = run(data).then((answer): MergeAnswer => ({ ...answer, error: null }), failed);
  self.postMessage(await answered);
};
