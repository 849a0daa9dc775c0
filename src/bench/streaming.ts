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
import { writeRandomModel } from '../speed/randomModel.ts';
import { megabytes, table } from './report.ts';
import { shapes } from './shapes.ts';
import { slowFolder } from './slowFolder.ts';

/** Tokens of a micro-batch; a step has several of them. */
const ROW = 128;

/** Tokens a step, and how often each way is measured on the slow disk. */
const sizes = [
  { tokens: 256, rounds: 5 },
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

/** Seconds of a step: on the clock, and of processors, which other programs do not change. */
interface Times {
  wall: number;
  cpu: number;
}

/** Steps of one way, and the most bytes of buffers that it has of its own. */
interface Run {
  name: string;
  step(tokens: number): Promise<Times>;
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
      const [start, used] = [performance.now(), process.cpuUsage()];
      await runner.run(new Array<MicroBatch>(tokens / ROW).fill(batch), { p: 0, seeds: [] }, null);
      const { user, system } = process.cpuUsage(used);
      const times = { wall: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
      peak = Math.max(peak, own + memory.peak - before);
      own += memory.bytes - before;
      return times;
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
async function quickest(runs: readonly Run[], tokens: number, rounds: number): Promise<Times[]> {
  const best = runs.map(() => ({ wall: Infinity, cpu: Infinity }));
  for (let round = 0; round < rounds; round++) {
    for (const [i, run] of runs.entries()) {
      const { wall, cpu } = await run.step(tokens);
      best[i] = { wall: Math.min(best[i]!.wall, wall), cpu: Math.min(best[i]!.cpu, cpu) };
    }
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
      const [computing] = await quickest([runs[0]!], BREAK_EVEN, 4);
      for (const { tokens, rounds } of sizes) {
        const fast = await quickest(runs, tokens, 1);
        disk.bytesPerSecond = (2 * blockBytes) / computing!.wall;
        const slow = await quickest(runs, tokens, rounds);
        disk.bytesPerSecond = Infinity;
        for (const [i, run] of runs.entries()) {
          const work = (fast[i]!.cpu / fast[0]!.cpu).toFixed(2);
          const time = (slow[i]!.wall / slow[0]!.wall).toFixed(2);
          rows.push([`${tokens}`, run.name, work, time, megabytes(run.peak())]);
        }
      }
      for (const run of runs) await run.close();
    });
    return [
      '## Weights that stay on disk',
      '',
      `A step on streamed weights against one on resident weights, in one run on ${adapter}:`,
      `${layers} blocks of width ${hiddenSize} in BF16, micro-batches of ${ROW} tokens, a step being all of them. Work is the`,
      'processor time of a step with files that come from memory: what streaming adds beside reading (this adapter computes',
      `on the processor). Time is by the clock, on a disk slowed down so far that reading all blocks twice takes as long as`,
      `computing ${BREAK_EVEN} tokens, the break-even of a disk and a GPU; it is that of the quickest of ${sizes.map(({ rounds }) => rounds).join(', ')} steps that take turns,`,
      'and shares the processor with whatever else runs, so that a quarter more or less says little. Reading that nothing',
      'hides would make it 2.0, 1.25 and 1.06. Streamed, all micro-batches pass a block together and the inputs of all are',
      'kept: that is why memory grows with the tokens of a step, unless block inputs go to disk too.',
      '',
      table(['tokens a step', 'on the GPU', 'work', 'time, slow disk', 'peak'], rows),
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
