import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withGpu } from '../../hosts/node/withGpu.ts';
import { defaultRecipe } from '../../base/config/recipe.ts';
import { buildMicroBatch, type MicroBatch } from '../../content/data/tokens/microBatch.ts';
import { tokenRowsOf } from '../../content/data/tokens/tokenRows.ts';
import type { Gpu } from '../../engine/gpu/device.ts';
import { Profiler } from '../../engine/gpu/profiler.ts';
import { kernelTime } from '../../base/lib/profile.ts';
import { closeDecoder, openDecoder } from '../../engine/model/weights/openDecoder.ts';
import { openModelFiles, type ModelFiles } from '../../engine/model/spec/openModel.ts';
import { writeRandomModel } from '../../engine/speed/randomModel.ts';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import type { StepNumbers } from '../../engine/train/optimizer.ts';
import { startAdapter } from '../../engine/train/startAdapter.ts';
import { StepRunner } from '../../engine/train/trainStep.ts';
import { table } from '../../testing/markdownTable.ts';
import { shapes } from './shapes.ts';

const LAYERS = 2;

const sizes = [
  { width: 512, tokens: 128 },
  { width: 512, tokens: 256 },
  { width: 1024, tokens: 128 },
];

const ROUNDS = 3;

/** Consecutive steps in a round, as in a run. */
const STEPS = 2;

const adamW = {
  lr: 1e-4,
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0,
  maxGradNorm: 1,
  step: 1,
};
const noDropout = { p: 0, seeds: [] };

/** Counts of a step, and fractions of its time. */
interface StepShares {
  dispatches: number;
  submits: number;
  recording: number;
  outside: number;
}

/** The minimum fractions over rounds of consecutive steps, all of whose dispatches are timed. */
async function measure(gpu: Gpu, files: ModelFiles, tokens: number): Promise<StepShares> {
  const decoder = await openDecoder(gpu, files, 'f32');
  const adapter = await startAdapter(decoder, { ...defaultRecipe(), rank: 16 }, null);
  const runner = new StepRunner(decoder, adapter);
  const { commands } = decoder;
  const ids = Array.from({ length: tokens }, (_, i) => (i * 7919) % files.spec.vocabSize);
  const batches: MicroBatch[] = [buildMicroBatch(tokenRowsOf([{ ids, labels: ids }]), [[0]])];
  await runner.run(batches, noDropout, adamW);
  const least = { dispatches: 0, submits: 0, recording: Infinity, outside: Infinity };
  for (let round = 0; round < ROUNDS; round++) {
    const profiler = new Profiler(gpu);
    commands.profile(profiler);
    const [dispatches, submits, start] = [commands.dispatches, commands.submits, performance.now()];
    let recording = 0;
    let numbers: Promise<StepNumbers> | null = null;
    for (let step = 0; step < STEPS; step++) {
      // With resident weights nothing in it waits: all of this time is JavaScript's.
      let began = performance.now();
      await runner.gradients(batches, noDropout);
      recording += performance.now() - began;
      await numbers;
      began = performance.now();
      numbers = runner.update(adamW);
      recording += performance.now() - began;
    }
    await numbers;
    const whole = performance.now() - start;
    commands.profile(null);
    least.recording = Math.min(least.recording, recording / whole);
    least.dispatches = (commands.dispatches - dispatches) / STEPS;
    least.submits = (commands.submits - submits) / STEPS;
    least.outside = Math.min(least.outside, 1 - kernelTime(await profiler.finish()) / whole);
  }
  runner.dispose();
  adapter.dispose();
  closeDecoder(decoder);
  return least;
}

/** The overhead of a step besides its kernels. */
export async function submissionBench(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'graft-bench-'));
  const rows: string[][] = [];
  let adapter = '';
  try {
    await withGpu(async (gpu) => {
      adapter = gpu.description;
      for (const { width, tokens } of sizes) {
        const path = join(folder, `${width}`);
        const config = { hidden_size: width, intermediate_size: 3 * width, num_hidden_layers: LAYERS };
        await writeRandomModel(nodeFolder(path), { ...shapes['small']!, ...config });
        const files = await openModelFiles(nodeFolder(path));
        const { dispatches, submits, recording, outside } = await measure(gpu, files, tokens);
        const percent = (part: number) => `${(100 * part).toFixed(1)}%`;
        rows.push([
          `${width}`,
          `${tokens}`,
          `${dispatches}`,
          submits.toFixed(1),
          percent(recording),
          percent(outside),
        ]);
      }
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return [
    '## Time outside kernels',
    '',
    `A step of ${LAYERS} blocks with rank 16 on all linear layers, in steps that follow each other as in a run, on ${adapter}.`,
    'Recording is the time of JavaScript from a step’s beginning to its last submit, most of it while the GPU computes. Outside',
    'kernels is what is left of the steps without the times of their kernels by the GPU’s clock: recording that nothing',
    'hides, submits, copies, readback, and, since every dispatch is a pass of its own here, more of what lies between',
    `dispatches than a run has. Each is the least of ${ROUNDS} rounds.`,
    '',
    table(['width', 'tokens', 'dispatches', 'submits', 'recording', 'outside kernels'], rows),
  ].join('\n');
}
