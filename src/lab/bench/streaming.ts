import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withGpu } from '../../hosts/node/withGpu.ts';
import { defaultRecipe } from '../../base/config/recipe.ts';
import { buildMicroBatch, type MicroBatch } from '../../content/data/tokens/microBatch.ts';
import { tokenRowsOf } from '../../content/data/tokens/tokenRows.ts';
import type { Gpu } from '../../engine/gpu/device.ts';
import { closeDecoder, openDecoder } from '../../engine/model/weights/openDecoder.ts';
import { openModelFiles, type ModelFiles } from '../../engine/model/spec/openModel.ts';
import { resident, type Streaming } from '../../engine/model/weights/streaming.ts';
import { nodeDirectory } from '../../base/storage/nodeDirectory.ts';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import { startAdapter } from '../../engine/train/startAdapter.ts';
import { StepRunner } from '../../engine/train/trainStep.ts';
import { writeRandomModel } from '../../engine/speed/randomModel.ts';
import { table } from '../../testing/markdownTable.ts';
import { megabytes } from './report.ts';
import { shapes } from './shapes.ts';
import { slowFolder } from './slowFolder.ts';

/** Tokens per micro-batch; a step has several of them. */
const ROW = 128;

/** Tokens per step, and the number of measurements of each variant on the slow disk. */
const sizes = [
  { tokens: 256, rounds: 5 },
  { tokens: 1024, rounds: 3 },
  { tokens: 4096, rounds: 1 },
];

/** The disk reads what a step needs in the time that computing this many tokens takes. */
const BREAK_EVEN = 256;

const ways: [string, Streaming][] = [
  ['all', resident],
  ['1 slot', { ...resident, slots: 1 }],
  ['2 slots', { ...resident, slots: 2 }],
  ['3 slots', { ...resident, slots: 3 }],
  ['2 slots, embeddings and block inputs offloaded', { slots: 2, ends: true, spill: true }],
];

/** Seconds of a step: wall-clock time, and CPU time, which other programs do not change. */
interface Times {
  wall: number;
  cpu: number;
}

/** Steps of one variant, and the peak bytes of its buffers. */
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

/** The fastest step of each run. Runs take turns, so that other load on the machine affects all alike. */
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

/** The time of a step on streamed weights relative to resident ones, by tokens per step. */
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
      // Compiles shaders before measuring.
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
      '## Offloaded weights',
      '',
      `A step on streamed weights relative to one on resident weights, in one run on ${adapter}:`,
      `${layers} blocks of width ${hiddenSize} in BF16, micro-batches of ${ROW} tokens, a step being all of them. Work is the`,
      'processor time of a step with files in memory: what streaming adds besides reading (this adapter computes',
      `on the processor). Time is by the clock, on a disk slowed down so far that reading all blocks twice takes as long as`,
      `computing ${BREAK_EVEN} tokens, the break-even of a disk and a GPU; it is that of the quickest of ${sizes.map(({ rounds }) => rounds).join(', ')} steps that take turns,`,
      'and shares the processor with whatever else runs, so differences up to a quarter are noise. Reading that nothing',
      'hides would make it 2.0, 1.25 and 1.06. Streamed, all micro-batches pass a block together and the inputs of all are',
      'stored: so memory grows with the tokens of a step, unless block inputs are offloaded too.',
      '',
      table(['tokens a step', 'on the GPU', 'work', 'time, slow disk', 'peak'], rows),
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
