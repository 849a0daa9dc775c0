import { withGpu } from '../../hosts/node/withGpu.ts';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import type { Gpu } from '../../engine/gpu/device.ts';
import { openModelFiles, type ModelFiles } from '../../engine/model/spec/openModel.ts';
import { closeDecoder, openDecoder } from '../../engine/model/weights/openDecoder.ts';
import { attentionCase } from '../../engine/speed/attentionCases.ts';
import { submitSeconds } from '../../engine/speed/ceilings.ts';
import { Inputs } from '../../engine/speed/inputs.ts';
import { writeRandomModel } from '../../engine/speed/randomModel.ts';
import { Repeater } from '../../engine/speed/repeater.ts';
import { adamWOf, configOf, rowsOfTokens, smallStep } from '../../engine/speed/stepSpeed.ts';
import { timeRuns } from '../../engine/speed/timing.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { planMemory } from '../../engine/train/memoryPlan.ts';
import { startAdapter } from '../../engine/train/startAdapter.ts';
import { StepRunner } from '../../engine/train/trainStep.ts';
import { table } from '../../testing/markdownTable.ts';
import { megabytes } from './report.ts';

/** S: tokens per row. Micro-batches have as many rows as their tokens require. */
const ROW = 128;

const tokenCounts = [128, 256, 512, 1024, 2048, 4096];
const layerCounts = [2, 4, 8];
const ranks = [4, 16, 64];
const MIDDLE = { tokens: 512, layers: 4, rank: 16 };

interface Run {
  tokens: number;
  layers: number;
  rank: number;
}

/** Every number of tokens and layers at the middle rank, and the other ranks at the middle numbers. */
const runs: Run[] = [
  ...layerCounts.flatMap((layers) => tokenCounts.map((tokens) => ({ ...MIDDLE, layers, tokens }))),
  ...ranks.filter((rank) => rank !== MIDDLE.rank).map((rank) => ({ ...MIDDLE, rank })),
];

/** Measured steps of a run per round: more for short ones. */
const stepsOf = ({ tokens }: Run) => Math.max(1, Math.min(4, 1024 / tokens));

/** From this many tokens on, allocating buffers is negligible in a step. */
const LONG = 1024;

/** Maximum number of rounds, and seconds after which none starts. */
const ROUNDS = 4;
const BUDGET = 150;

/** Lengths of the one row for measuring attention. */
const lengths = [128, 256, 512, 1024];

/**
 * How time and memory of a training step scale with tokens, layers and rank, and those of attention with row length.
 */
export async function scalingBench(): Promise<string> {
  return withGpu(async (gpu) => {
    const models = new Map<number, ModelFiles>();
    for (const layers of layerCounts) {
      const folder = new MemoryFolder('random');
      await writeRandomModel(folder, configOf({ ...smallStep, layers }));
      models.set(layers, await openModelFiles(folder));
    }
    const measured = await measureRuns(gpu, models);
    const [first] = measured;
    const each = (i: number) => measured[i]!.seconds / runs[i]!.tokens / runs[i]!.layers;
    const rows: string[][] = [];
    for (const [i, run] of runs.entries()) {
      const { seconds, bytes } = measured[i]!;
      const { total: planned } = await planMemory(models.get(run.layers)!, recipeOf(run), gpu, null);
      rows.push([
        `${run.tokens}`,
        `${run.layers}`,
        `${run.rank}`,
        (seconds / first!.seconds).toFixed(2),
        (each(i) / each(0)).toFixed(2),
        megabytes(planned),
        megabytes(bytes),
        (bytes / planned).toFixed(3),
      ]);
    }
    return [
      '## How a step grows',
      '',
      `A LoRA step of a decoder of width ${smallStep.hidden} (FFN ${smallStep.ffn}, vocabulary ${smallStep.vocab}) on all linear layers, rows of ${ROW} tokens laid`,
      `end to end, on ${gpu.description}: the quickest of some rounds that take turns. Time is linear in tokens where the`,
      'time per token and layer is constant; head and optimizer are outside the layers, so it falls with their number.',
      'Bytes of GPU buffers are planned from headers and row lengths alone, and counted in the run.',
      '',
      table(
        [
          'tokens',
          'layers',
          'rank',
          'time',
          'per token and layer',
          'planned',
          'measured',
          'measured / planned',
        ],
        rows,
      ),
      '',
      'Attention over one row, 4 heads of 64 sharing 2 KV heads, relative to the shortest: twice the row is four times the',
      'pairs, and twice the bytes of all its tensors, inputs and results included.',
      '',
      await attentionTable(gpu),
    ].join('\n');
  });
}

function recipeOf({ tokens, rank }: Run): Recipe {
  const recipe = defaultRecipe();
  return { ...recipe, rank, dropout: 0, batch_size: tokens / ROW, max_length: ROW, eval_fraction: 0 };
}

/**
 * Seconds of the fastest step of each run, and its peak GPU memory. The runs take turns, so that other load on the
 * machine affects all alike.
 */
async function measureRuns(
  gpu: Gpu,
  models: ReadonlyMap<number, ModelFiles>,
): Promise<{ seconds: number; bytes: number }[]> {
  const found = runs.map(() => ({ seconds: Infinity, bytes: 0 }));
  const began = performance.now();
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0 && (performance.now() - began) / 1000 > BUDGET) break;
    for (const [i, run] of runs.entries()) {
      const best = found[i]!;
      const before = gpu.memory.bytes;
      gpu.memory.resetPeak();
      const decoder = await openDecoder(gpu, models.get(run.layers)!, 'f32');
      const recipe = recipeOf(run);
      const adapter = await startAdapter(decoder, recipe, null);
      const runner = new StepRunner(decoder, adapter, recipe.optimizer, recipe.kept_inputs);
      const batch = rowsOfTokens(run.tokens / ROW, ROW, smallStep.vocab);
      // The first of short steps allocates its buffers and, in the first round, compiles.
      const unmeasured = run.tokens < LONG ? 1 : 0;
      for (let step = 1; step <= stepsOf(run) + unmeasured; step++) {
        const start = performance.now();
        await runner.run([batch], { p: 0, seeds: [] }, { ...adamWOf(recipe), step });
        if (step > unmeasured) best.seconds = Math.min(best.seconds, (performance.now() - start) / 1000);
      }
      best.bytes = gpu.memory.peak - before;
      runner.dispose();
      adapter.dispose();
      closeDecoder(decoder);
      process.stderr.write(`\r\x1b[Kround ${round + 1}/${ROUNDS}, ${i + 1}/${runs.length}`);
    }
  }
  process.stderr.write('\r\x1b[K');
  return found;
}

async function attentionTable(gpu: Gpu): Promise<string> {
  const signal = new AbortController().signal;
  const limits = { overhead: await submitSeconds(gpu, signal), sample: 0.05, budget: 2, signal };
  const rows: string[][] = lengths.map((length) => [`${length}`]);
  for (const direction of ['forward', 'backward'] as const) {
    const shortest = { best: 0, bytes: 0 };
    for (const [i, tokens] of lengths.entries()) {
      const inputs = new Inputs(gpu);
      const before = gpu.memory.bytes;
      const repeater = new Repeater(gpu);
      const own = gpu.memory.bytes - before;
      attentionCase(direction, { tokens, heads: 4, kvHeads: 2, headDim: 64 }).record(repeater, inputs);
      const bytes = gpu.memory.bytes - before - own;
      const { best } = await timeRuns((times) => repeater.seconds(times), limits);
      if (i === 0) Object.assign(shortest, { best, bytes });
      rows[i]!.push((best / shortest.best).toFixed(1), (bytes / shortest.bytes).toFixed(2));
      repeater.dispose();
      inputs.dispose();
    }
  }
  return table(['row', 'forward: time', 'bytes', 'backward: time', 'bytes'], rows);
}
