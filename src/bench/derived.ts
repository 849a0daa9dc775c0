import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withGpu } from '../cli/session.ts';
import { DerivedWeights } from '../model/derived/derivedWeights.ts';
import { openModelFiles, type ModelFiles } from '../model/openModel.ts';
import { ResidentWeights } from '../model/residentWeights.ts';
import { nodeDirectory } from '../storage/nodeDirectory.ts';
import { nodeFolder } from '../storage/nodeFolder.ts';
import type { Gpu } from '../gpu/device.ts';
import { writeRandomModel } from '../speed/randomModel.ts';
import { megabytes, table } from './report.ts';
import { shapes } from './shapes.ts';

const ROUNDS = 3;

/** Matrices of the size that models of a billion parameters have. */
const larger = { hidden_size: 1024, intermediate_size: 4096, num_hidden_layers: 6, num_attention_heads: 16 };

/** Seconds of a load in 4 bits, and the bytes it reads. */
async function load(gpu: Gpu, files: ModelFiles, doubleQuant: boolean, store: DerivedWeights | null) {
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

/** Loads of a 16-bit model in 4 bits: anew, the first that keeps them, and those after it. */
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
          const store = new DerivedWeights(nodeDirectory(join(folder, `kept-${doubleQuant}-${round}`)));
          const ways = { anew: null, first: store, later: store };
          for (const [way, kept] of Object.entries(ways) as [keyof typeof ways, DerivedWeights | null][]) {
            const { seconds, read } = await load(gpu, files, doubleQuant, kept);
            times[way].push(seconds);
            bytes[way] = read;
          }
        }
        // What else runs only adds to it.
        const least = (values: number[]) => Math.min(...values);
        const ratio = (way: keyof typeof times) => (least(times[way]) / least(times.anew)).toFixed(2);
        const name = doubleQuant ? 'NF4, double quantization' : 'NF4';
        rows.push([name, 'first, keeping them', megabytes(bytes.first), ratio('first')]);
        rows.push([name, 'later', megabytes(bytes.later), ratio('later')]);
      }
    });
    const { layers, hiddenSize } = files.spec;
    const matrices = files.checkpoint.totalBytes;
    return [
      '## 4-bit weights that are kept',
      '',
      `Loads of a BF16 model of ${layers} blocks of width ${hiddenSize} (${megabytes(matrices)}) in 4 bits against one that quantizes`,
      `and keeps nothing, in one run on ${adapter}. Embedding and head are read in 16 bits either way.`,
      '',
      table(['kind', 'load', 'bytes read', 'time / quantizing anew'], rows),
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
