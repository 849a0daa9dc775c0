import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withGpu } from '../cli/session.ts';
import { defaultRecipe, type Recipe } from '../config/recipe.ts';
import { tokenRowsOf } from '../data/tokenRows.ts';
import type { Gpu } from '../gpu/device.ts';
import { closeDecoder, openDecoder, quantizationOf } from '../model/openDecoder.ts';
import { openModelFiles, type ModelFiles } from '../model/openModel.ts';
import { resident, type Streaming } from '../model/streaming.ts';
import { nodeFolder } from '../storage/nodeFolder.ts';
import { startAdapter } from '../train/startAdapter.ts';
import { train } from '../train/trainer.ts';
import { writeRandomModel } from './randomModel.ts';
import { megabytes, table } from './report.ts';
import { shapes } from './shapes.ts';

/** Tokens of a micro-batch; a step has several of them. */
const ROW = 256;
const STEPS = 3;

/** Seconds of a step, the middle one of a few, and the most bytes at once; null slots keep every block on the GPU. */
async function measure(gpu: Gpu, files: ModelFiles, tokens: number, streaming: Streaming) {
  const recipe: Recipe = {
    ...defaultRecipe(),
    ...{ batch_size: 1, grad_accum: tokens / ROW, max_steps: STEPS + 1, shuffle: false, rank: 8 },
  };
  const rows = Array.from({ length: tokens / ROW }, (_, row) =>
    Array.from({ length: ROW }, (__, i) => (row * 31 + i * 7919) % files.spec.vocabSize),
  );
  const before = gpu.memory.bytes;
  gpu.memory.resetPeak();
  const decoder = await openDecoder(gpu, files, 'f32', { quantize: quantizationOf(recipe), streaming });
  const adapter = await startAdapter(decoder, recipe, null);
  const times: number[] = [];
  let last = performance.now();
  await train({
    ...{ decoder, adapter, recipe, evalDataset: null },
    dataset: tokenRowsOf(rows.map((ids) => ({ ids, labels: ids }))),
    onStep: () => {
      const now = performance.now();
      times.push((now - last) / 1000);
      last = now;
    },
    onEval: () => undefined,
    shouldStop: () => false,
  });
  const peak = gpu.memory.peak - before;
  adapter.dispose();
  closeDecoder(decoder);
  // The first step compiles shaders.
  const [, ...warm] = times;
  return { seconds: warm.sort((a, b) => a - b)[Math.floor(warm.length / 2)]!, peak };
}

/** Time of a step on streamed weights as a ratio to resident ones, by tokens a step. */
export async function streamingBench(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'graft-bench-'));
  try {
    await writeRandomModel(nodeFolder(folder), shapes['small']!);
    const files = await openModelFiles(nodeFolder(folder));
    const rows: string[][] = [];
    let adapter = '';
    await withGpu(async (gpu) => {
      adapter = gpu.description;
      for (const tokens of [256, 1024, 4096]) {
        const whole = await measure(gpu, files, tokens, resident);
        for (const slots of [1, 2]) {
          const streamed = await measure(gpu, files, tokens, { ...resident, slots });
          const ratio = (streamed.seconds / whole.seconds).toFixed(2);
          rows.push([`${tokens}`, `${slots}`, ratio, megabytes(streamed.peak), megabytes(whole.peak)]);
        }
      }
    });
    const { layers, hiddenSize } = files.spec;
    return [
      '## Weights that stay on disk',
      '',
      `A step on streamed weights against one on resident weights, in one run on ${adapter}:`,
      `${layers} blocks of width ${hiddenSize} in BF16, micro-batches of ${ROW} tokens, a step being all of them.`,
      'Files come from the page cache, and this adapter computes slowly: it shows what streaming costs beside computing,',
      'not what a disk costs.',
      '',
      table(['tokens a step', 'slots', 'streamed / resident', 'peak, streamed', 'peak, resident'], rows),
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
