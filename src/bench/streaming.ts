import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withGpu } from '../cli/session.ts';
import { defaultRecipe } from '../config/recipe.ts';
import { buildMicroBatch, type MicroBatch } from '../data/microBatch.ts';
import { tokenRowsOf } from '../data/tokenRows.ts';
import type { Gpu } from '../gpu/device.ts';
import { closeDecoder, openDecoder } from '../model/openDecoder.ts';
import { openModelFiles, type ModelFiles } from '../model/openModel.ts';
import { resident, type Streaming } from '../model/streaming.ts';
import { nodeDirectory } from '../storage/nodeDirectory.ts';
import { nodeFolder } from '../storage/nodeFolder.ts';
import { startAdapter } from '../train/startAdapter.ts';
import { StepRunner } from '../train/trainStep.ts';
import { writeRandomModel } from './randomModel.ts';
import { megabytes, table } from './report.ts';
import { shapes } from './shapes.ts';
import { slowFolder } from './slowFolder.ts';

/** Tokens of a micro-batch; a step has several of them. */
const ROW = 128;

/** Tokens a step, and how often each way is measured. */
const sizes = [
  { tokens: 256, rounds: 4 },
  { tokens: 1024, rounds: 3 },
  { tokens: 4096, rounds: 1 },
];

/** The disk reads what a step needs in the time that computing so many tokens takes. */
const BREAK_EVEN = 256;

const ways: [string, Streaming][] = [
  ['all', resident],
  ['1 slot', { ...resident, slots: 1 }],
  ['2 slots', { ...resident, slots: 2 }],
  ['3 slots', { ...resident, slots: 3 }],
  ['2 slots, without vocabulary and block inputs', { slots: 2, ends: true, spill: true }],
];

/** Steps of one way, and the most bytes of buffers that it has of its own. */
interface Run {
  name: string;
  /** Seconds of a step. */
  step(tokens: number): Promise<number>;
  peak(): number;
  close(): Promise<void>;
}

async function open(
  gpu: Gpu,
  files: ModelFiles,
  name: string,
  streaming: Streaming,
  spill: string,
): Promise<Run> {
  const { memory } = gpu;
  let [own, peak] = [-memory.bytes, 0];
  const decoder = await openDecoder(gpu, files, 'f32', { streaming, spillFolder: nodeDirectory(spill) });
  const adapter = await startAdapter(decoder, { ...defaultRecipe(), rank: 8 }, null);
  const runner = new StepRunner(decoder, adapter);
  const ids = Array.from({ length: ROW }, (_, i) => (i * 7919) % files.spec.vocabSize);
  const batch: MicroBatch = buildMicroBatch(tokenRowsOf([{ ids, labels: ids }]), [[0]]);
  own += memory.bytes;
  return {
    name,
    async step(tokens) {
      const before = memory.bytes;
      memory.resetPeak();
      const start = performance.now();
      await runner.run(new Array<MicroBatch>(tokens / ROW).fill(batch), { p: 0, seeds: [] }, null);
      const seconds = (performance.now() - start) / 1000;
      peak = Math.max(peak, own + memory.peak - before);
      own += memory.bytes - before;
      return seconds;
    },
    peak: () => peak,
    async close() {
      runner.dispose();
      adapter.dispose();
      closeDecoder(decoder);
      await decoder.spill?.dispose();
    },
  };
}

/** The quickest step of each run, which take turns: so what else the machine does hits all of them. */
async function quickest(runs: readonly Run[], tokens: number, rounds: number): Promise<number[]> {
  const best = runs.map(() => Infinity);
  for (let round = 0; round < rounds; round++) {
    for (const [i, run] of runs.entries()) best[i] = Math.min(best[i]!, await run.step(tokens));
  }
  return best;
}

/** Time of a step on streamed weights as a ratio to resident ones, by tokens a step. */
export async function streamingBench(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'graft-bench-'));
  const disk = { bytesPerSecond: Infinity };
  try {
    await writeRandomModel(nodeFolder(folder), shapes['narrow']!);
    const files = await openModelFiles(slowFolder(nodeFolder(folder), disk));
    const { layers, hiddenSize, vocabSize } = files.spec;
    const blockBytes = files.checkpoint.totalBytes - 2 * vocabSize * hiddenSize;
    const rows: string[][] = [];
    let adapter = '';
    await withGpu(async (gpu) => {
      adapter = gpu.description;
      const runs: Run[] = [];
      for (const [name, streaming] of ways) {
        runs.push(await open(gpu, files, name, streaming, join(folder, 'spill')));
      }
      // Shaders are compiled before anything is measured.
      await quickest(runs, ROW, 1);
      const computing = Math.min(...(await quickest([runs[0]!], BREAK_EVEN, 4)));
      for (const { tokens, rounds } of sizes) {
        const fast = await quickest(runs, tokens, rounds);
        disk.bytesPerSecond = (2 * blockBytes) / computing;
        const slow = await quickest(runs, tokens, rounds);
        disk.bytesPerSecond = Infinity;
        const ratio = (times: number[], i: number) => (times[i]! / times[0]!).toFixed(2);
        for (const [i, run] of runs.entries()) {
          if (i > 0)
            rows.push([`${tokens}`, run.name, ratio(fast, i), ratio(slow, i), megabytes(run.peak())]);
        }
        rows.push([`${tokens}`, 'all', '1', '1', megabytes(runs[0]!.peak())]);
      }
      for (const run of runs) await run.close();
    });
    return [
      '## Weights that stay on disk',
      '',
      `A step on streamed weights against one on resident weights, in one run on ${adapter}:`,
      `${layers} blocks of width ${hiddenSize} in BF16, micro-batches of ${ROW} tokens, a step being all of them; the quickest`,
      `of ${sizes.map(({ rounds }) => rounds).join(', ')} steps that take turns. This adapter computes slowly and shares its processor with everything else, so`,
      'a tenth more or less says nothing. Files come from memory; the slow disk is them at a speed at which reading all',
      `blocks twice takes as long as computing ${BREAK_EVEN} tokens, which is the break-even of a real disk and GPU. Reading that`,
      'nothing hides would make it 2.0, 1.25 and 1.06. Streamed, all micro-batches pass a block together, so that the inputs',
      'of all of them are kept: that is why memory grows with the tokens of a step, unless block inputs go to disk too.',
      '',
      table(['tokens a step', 'on the GPU', 'fast disk', 'slow disk', 'peak'], rows),
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
