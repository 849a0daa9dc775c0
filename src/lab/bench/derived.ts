import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withGpu } from '../../hosts/node/withGpu.ts';
import { QuantizedCache } from '../../engine/model/weights/quantizedCache/quantizedCache.ts';
import { openModelFiles, type ModelFiles } from '../../engine/model/spec/openModel.ts';
import { ResidentWeights } from '../../engine/model/weights/residentWeights.ts';
import { nodeDirectory } from '../../base/storage/nodeDirectory.ts';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import type { Gpu } from '../../engine/gpu/device.ts';
import { writeRandomModel } from '../../engine/speed/randomModel.ts';
import { table } from '../../testing/markdownTable.ts';
import { megabytes } from './report.ts';
import { shapes } from './shapes.ts';

const ROUNDS = 3;

/** Matrices as large as in models of a billion parameters. */
const larger = { hidden_size: 1024, intermediate_size: 4096, num_hidden_layers: 6, num_attention_heads: 16 };

/** Seconds of a 4-bit load, and the bytes it reads. */
async function load(gpu: Gpu, files: ModelFiles, doubleQuant: boolean, store: QuantizedCache | null) {
  const quantize = { doubleQuant };
  let read = 0;
  const start = performance.now();
  const derived = (await store?.open(files, quantize)) ?? null;
  const storage = { halve: false, quantize, derived };
  const weights = await ResidentWeights.load(gpu, files, storage, (done) => (read = done));
  await gpu.device.queue.onSubmittedWorkDone();
  const seconds = (performance.now() - start) / 1000;
  weights.dispose();
  return { seconds, read };
}

/** 4-bit loads of a 16-bit model: without the cache, the first that fills it, and those from it. */
export async function derivedBench(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'graft-bench-'));
  try {
    await writeRandomModel(nodeFolder(folder), { ...shapes['small'], ...larger });
    const files = await openModelFiles(nodeFolder(folder));
    const rows: string[][] = [];
    let adapter = '';
    await withGpu(async (gpu) => {
      adapter = gpu.description;
      // Compiles shaders.
      for (const doubleQuant of [false, true]) await load(gpu, files, doubleQuant, null);
      for (const doubleQuant of [false, true]) {
        const times = { anew: [] as number[], first: [] as number[], later: [] as number[] };
        const bytes = { anew: 0, first: 0, later: 0 };
        for (let round = 0; round < ROUNDS; round++) {
          const store = new QuantizedCache(nodeDirectory(join(folder, `kept-${doubleQuant}-${round}`)));
          const ways = { anew: null, first: store, later: store };
          for (const [way, cache] of Object.entries(ways) as [keyof typeof ways, QuantizedCache | null][]) {
            const { seconds, read } = await load(gpu, files, doubleQuant, cache);
            times[way].push(seconds);
            bytes[way] = read;
          }
        }
        // Minimum: other load on the machine only adds time.
        const minimum = (values: number[]) => Math.min(...values);
        const ratio = (way: keyof typeof times) => (minimum(times[way]) / minimum(times.anew)).toFixed(2);
        const name = doubleQuant ? 'NF4, double quantization' : 'NF4';
        rows.push([name, 'first, filling the cache', megabytes(bytes.first), ratio('first')]);
        rows.push([name, 'later', megabytes(bytes.later), ratio('later')]);
      }
    });
    const { layers, hiddenSize } = files.spec;
    const matrices = files.checkpoint.totalBytes;
    return [
      '## The quantized cache',
      '',
      `Loads of a BF16 model of ${layers} blocks of width ${hiddenSize} (${megabytes(matrices)}) in 4 bits against one that quantizes`,
      `and caches nothing, in one run on ${adapter}. Embedding and head are read in 16 bits either way.`,
      '',
      table(['kind', 'load', 'bytes read', 'time / without a cache'], rows),
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
