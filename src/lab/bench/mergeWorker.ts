import { createSHA256 } from 'hash-wasm';
import shaders from 'virtual:shaders';
import { openGpu, type Gpu } from '../../engine/gpu/device.ts';
import { mergeJob } from '../../engine/merge/mergeJob.ts';
import { mergeModel } from '../../engine/merge/mergeModel.ts';
import type { LoraShape } from '../../engine/model/trained/loraModules.ts';
import { openModelFiles } from '../../engine/model/spec/openModel.ts';
import { opfsDirectory } from '../../base/storage/opfsDirectory.ts';
import { removeOpfsFolder } from '../../base/storage/opfsRoot.ts';
import { tableAdapter, writeTableModel } from './mergeModelFiles.ts';

/** A task for the worker. */
export interface MergeTask {
  kind: 'make' | 'copy' | 'merge' | 'clean';
  config: Record<string, unknown>;
  targets: LoraShape['targets'];
}

/** Its measurements. */
export interface MergeReport {
  seconds: number;
  bytes: number;
  adapter: string;
  /** Peak bytes of GPU buffers. */
  gpuPeak: number;
  /** SHA-256 of the data after the header of model.safetensors. */
  sha256: string;
}

const BASE = 'merge-bench-base';
const OUT = 'merge-bench-out';
const COPY = 'merge-bench-copy';
const FILE = 'model.safetensors';
const PIECE = 16 * 1024 * 1024;

async function run({ kind, config, targets }: MergeTask): Promise<MergeReport> {
  const report = { seconds: 0, bytes: 0, adapter: '', gpuPeak: 0, sha256: '' };
  if (kind === 'make') await writeTableModel(await opfsDirectory(BASE), config);
  else if (kind === 'copy') Object.assign(report, await copy());
  else if (kind === 'merge') Object.assign(report, await merge(config, targets));
  else for (const folder of [BASE, OUT, COPY]) await removeOpfsFolder(folder);
  return report;
}

/** A plain copy: the lower bound for a merge. */
async function copy(): Promise<Partial<MergeReport>> {
  await removeOpfsFolder(COPY);
  const start = performance.now();
  const from = await (await opfsDirectory(BASE)).edit(FILE);
  const to = await (await opfsDirectory(COPY)).edit(FILE);
  const bytes = await from.size();
  for (let at = 0; at < bytes; at += PIECE) {
    await to.write(at, await from.read(at, Math.min(PIECE, bytes - at)));
  }
  await to.flush();
  await to.close();
  await from.close();
  const seconds = (performance.now() - start) / 1000;
  await removeOpfsFolder(COPY);
  return { seconds, bytes };
}

async function merge(
  config: MergeTask['config'],
  targets: MergeTask['targets'],
): Promise<Partial<MergeReport>> {
  const gpu: Gpu = await openGpu(navigator.gpu, shaders);
  const out = await opfsDirectory(OUT);
  const job = mergeJob(await openModelFiles(await opfsDirectory(BASE)), tableAdapter(config, targets));
  // Shaders are compiled before the measurement, as they are once per page.
  gpu.memory.resetPeak();
  const start = performance.now();
  const files = await mergeModel(gpu, job, out, { maxShardBytes: 1e12 });
  const seconds = (performance.now() - start) / 1000;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const gpuPeak = gpu.memory.peak;
  const sha256 = await hashData();
  await removeOpfsFolder(OUT);
  return { seconds, bytes, gpuPeak, sha256, adapter: gpu.description };
}

async function hashData(): Promise<string> {
  const file = await (await opfsDirectory(OUT)).edit(FILE);
  const size = await file.size();
  const start = 8 + Number(new DataView((await file.read(0, 8)).buffer).getBigUint64(0, true));
  const hasher = await createSHA256();
  for (let at = start; at < size; at += PIECE) {
    hasher.update(await file.read(at, Math.min(PIECE, size - at)));
  }
  await file.close();
  return hasher.digest('hex');
}

self.onmessage = async ({ data }: MessageEvent<MergeTask>) => {
  self.postMessage(
    await run(data).catch((error: unknown) => ({
      error: String(error instanceof Error ? error.stack : error),
    })),
  );
};
