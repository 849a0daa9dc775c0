import shaders from 'virtual:shaders';
import { writeBytes } from '../content/formats/text.ts';
import { openGpu } from '../engine/gpu/device.ts';
import { readBytes } from '../engine/gpu/transfer.ts';
import { hexOf } from '../base/lib/bytes.ts';
import { messageOf } from '../base/lib/errors.ts';
import { QuantizedCache } from '../engine/model/weights/quantizedCache/quantizedCache.ts';
import { openModelFiles } from '../engine/model/spec/openModel.ts';
import { ResidentWeights } from '../engine/model/weights/residentWeights.ts';
import { opfsDirectory } from '../base/storage/opfsDirectory.ts';
import { removeOpfsFolder } from '../base/storage/opfsRoot.ts';
import { opfsFolder } from '../base/storage/opfsFolder.ts';
import { dyingDirectory } from './dyingDirectory.ts';
import { tinyModel } from './tinyModel.ts';

/** Matrices of half a MiB and more, so that they go through the upload ring. */
const config = { hidden_size: 512, head_dim: 128, intermediate_size: 1024, num_hidden_layers: 2 };

/** A model in OPFS, written at first and loaded in 4 bits, with or without those an earlier load has left. */
export interface CacheTask {
  keep: boolean;
  /** Removes those first. */
  clear?: boolean;
  /** The number of the change of the cache in which it is to be killed: it answers null there, and does no more. */
  dieAt?: number;
}

/** What came to the GPU. */
export interface CacheReport {
  hash: string;
  /** Bytes read while the weights came. */
  bytes: number;
  /** Whether a load can use what is kept: one entry for each that is there. */
  kept: boolean[];
  problems: string[];
  /** How many changes of the cache were made. */
  changes: number;
}

async function run({ keep, clear, dieAt = Infinity }: CacheTask): Promise<CacheReport> {
  if (clear) await removeOpfsFolder('derived-test');
  const folder = await opfsFolder('derived-test-model');
  if ((await folder.list()).length === 0) {
    const { files } = tinyModel({ config, dtype: 'BF16' });
    for (const [name, content] of files) await writeBytes(folder, name, content);
  }
  const gpu = await openGpu(navigator.gpu, shaders);
  const files = await openModelFiles(folder);
  const problems: string[] = [];
  const victim = dyingDirectory(await opfsDirectory('derived-test'), dieAt, () => {
    self.postMessage(null);
    return new Promise<never>(() => undefined);
  });
  const store = new QuantizedCache(victim.folder, {
    onProblem: (error) => problems.push(messageOf(error)),
  });
  const quantize = { doubleQuant: true };
  const derived = keep ? await store.open(files, quantize) : null;
  let bytes = 0;
  const storage = { halve: false, quantize, derived };
  const weights = await ResidentWeights.load(gpu, files, storage, (done) => (bytes = done));
  const parts: string[] = [];
  for (let layer = 0; layer < files.spec.layers; layer++) {
    const groups = Object.values((await weights.block(layer)).groups);
    for (const { weight } of groups.flatMap(({ parts: of }) => of)) {
      for (const { data, scales, nested } of weight.chunks) {
        for (const tensor of [data, scales!, nested!]) {
          const digest = await crypto.subtle.digest('SHA-256', await readBytes(gpu, tensor));
          parts.push(hexOf(new Uint8Array(digest)));
        }
      }
    }
  }
  weights.dispose();
  gpu.destroy();
  const kept = (await store.list()).map(({ complete }) => complete);
  return { hash: parts.join('\n'), bytes, kept, problems, changes: victim.changes.length };
}

self.onmessage = async ({ data }: MessageEvent<CacheTask>) => {
  self.postMessage(await run(data).catch((error: unknown) => ({ error: messageOf(error) })));
};
