import type { Recipe } from '../config/recipe.ts';
import { buildMicroBatch, type MicroBatch } from '../data/microBatch.ts';
import { tokenRowsOf, type TokenRows } from '../data/tokenRows.ts';
import type { Gpu } from '../gpu/device.ts';
import { DryGpu, type GpuLimits } from '../gpu/dryGpu.ts';
import type { KernelUse } from '../gpu/kernel.ts';
import { byteLengthOf } from '../gpu/tensor.ts';
import { memoryParts, type MemoryByPart } from '../gpu/memory.ts';
import { activationType, closeDecoder, openDecoder, quantizationOf } from '../model/openDecoder.ts';
import type { ModelFiles } from '../model/openModel.ts';
import { resident, type Streaming } from '../model/streaming.ts';
import type { Directory } from '../storage/types.ts';
import { lossesOf } from './evaluate.ts';
import {
  dataShapes,
  firstBatches,
  fullRows,
  largestEvaluation,
  largestTraining,
  type DataShapes,
  type LargestBatch,
} from './largestBatch.ts';
import { checkTraining, startTraining } from './startTraining.ts';
import { ProvenReader } from './provenReader.ts';
import { StepRunner } from './trainStep.ts';

/** A micro-batch of more tokens than this counts as one of so many: there is no GPU that either would fit. */
const MAX_TOKENS = 1 << 24;

/** Micro-batches that kernels are looked for in: enough for the sizes there are, and few beside a run. */
const FIRST_BATCHES = 16;

/** Bytes of GPU buffers that a run takes. */
export interface MemoryUse {
  /** The most at once, from loading the model to the end of the run. */
  total: number;
  /** `total` by what it is for. */
  parts: MemoryByPart;
  /** The most at once while the model is loaded. */
  loadPeak: number;
  trainableParameters: number;
}

/** What a run will take, told before it. */
export interface MemoryPlan extends MemoryUse {
  /** Tokens and targets of the largest micro-batch of training. */
  tokens: number;
  targets: number;
  /** The largest piece of memory a kernel uses at once, and what it is for: the device refuses more than its limit. */
  largestBinding: { bytes: number; label: string };
}

/**
 * What a recipe's run on a model will take, told from the model's headers and the shapes of the rows alone. There are
 * no formulas: loading, a step and an evaluation run on a device that only counts.
 * @param data shapes of the rows; null plans for rows of the maximal length
 * @param streaming what of the run stays on disk
 * Throws `train.no_targets`, `train.layer_out_of_range`, `train.full_quantized`, `train.no_rows`, `gpu.no_f16`.
 */
export async function planMemory(
  files: ModelFiles,
  recipe: Recipe,
  limits: GpuLimits,
  data: DataShapes | null,
  streaming: Streaming = resident,
): Promise<MemoryPlan> {
  const { maxPositions } = files.spec;
  const training = largestTraining(recipe, maxPositions, data);
  const evaluation = largestEvaluation(recipe, maxPositions, data);
  const gpu = new DryGpu(limits);
  try {
    const use = await memoryOf(gpu, files, recipe, {
      training: together(recipe, streaming, [emptyBatch(training)]),
      evaluation: evaluation ? [emptyBatch(evaluation)] : [],
      streaming,
    });
    const { tokens, targets } = training;
    return { ...use, tokens, targets, largestBinding: gpu.largestBinding };
  } finally {
    gpu.destroy();
  }
}

/**
 * The kernels that loading, the first micro-batches, the largest and an evaluation take, told as the plan is. One of
 * another size may take others besides. Throws what `planMemory` throws.
 */
export async function kernelsOfRun(
  files: ModelFiles,
  recipe: Recipe,
  limits: GpuLimits,
  data: DataShapes | null,
  streaming: Streaming = resident,
): Promise<KernelUse[]> {
  const { maxPositions } = files.spec;
  const training = [
    largestTraining(recipe, maxPositions, data),
    ...firstBatches(recipe, maxPositions, data, FIRST_BATCHES),
  ];
  const evaluation = largestEvaluation(recipe, maxPositions, data);
  const gpu = new DryGpu(limits, { notesKernels: true });
  try {
    await memoryOf(gpu, files, recipe, {
      training: training.map(emptyBatch),
      evaluation: evaluation ? [emptyBatch(evaluation)] : [],
      streaming,
    });
    return gpu.kernelUses;
  } finally {
    gpu.destroy();
  }
}

/**
 * What a plan says, measured on a GPU, besides what Graft holds there already: the model is loaded, and a step and an evaluation run
 * on the run's largest micro-batches.
 * @param data the rows; null makes rows of the maximal length
 * @param spillFolder as for `openDecoder`
 * Throws what `planMemory` throws, and what loading and the device throw.
 */
export async function measureMemory(
  gpu: Gpu,
  files: ModelFiles,
  recipe: Recipe,
  data: { train: TokenRows; evaluation: TokenRows | null } | null,
  streaming: Streaming = resident,
  spillFolder: Directory | null = null,
): Promise<MemoryUse> {
  const { maxPositions } = files.spec;
  const rows = data ?? longestRows(recipe, maxPositions);
  const { train, evaluation } = rows;
  const shapes = dataShapes(rows);
  const batchesOf = (of: TokenRows, { from }: LargestBatch) =>
    from.map((batch) => buildMicroBatch(of, batch));
  const evaluated = largestEvaluation(recipe, maxPositions, shapes);
  return memoryOf(gpu, files, recipe, {
    training: together(recipe, streaming, batchesOf(train, largestTraining(recipe, maxPositions, shapes))),
    evaluation: evaluation && evaluated ? batchesOf(evaluation, evaluated) : [],
    streaming,
    spillFolder,
  });
}

/** Streamed blocks are passed by all micro-batches of a step together: as many as it has, others one by one. */
function together(recipe: Recipe, streaming: Streaming, batches: readonly MicroBatch[]): MicroBatch[] {
  if (streaming.slots === null && !streaming.ends) return [...batches];
  const count = Math.max(recipe.grad_accum, batches.length);
  return Array.from({ length: count }, (_, i) => batches[i % batches.length]!);
}

/** What loading, a step and an evaluation take besides what is there already. */
async function memoryOf(
  gpu: Gpu,
  files: ModelFiles,
  recipe: Recipe,
  {
    training,
    evaluation,
    streaming,
    spillFolder = null,
  }: {
    training: MicroBatch[];
    evaluation: MicroBatch[];
    streaming: Streaming;
    spillFolder?: Directory | null;
  },
): Promise<MemoryUse> {
  const { memory } = gpu;
  memory.resetPeak();
  const [before, partsBefore] = [memory.bytes, memory.parts];
  const type = activationType(gpu, recipe.dtype);
  // Before loading, for what can be wrong with the recipe.
  checkTraining(files, recipe);
  const decoder = await openDecoder(gpu, files, type, {
    quantize: quantizationOf(recipe),
    streaming,
    spillFolder,
  });
  const loadPeak = memory.peak - before;
  const adapter = await startTraining(decoder, recipe);
  const runner = new StepRunner(decoder, adapter, recipe.optimizer);
  try {
    const seeds = training.map(() => recipe.seed);
    await runner.run(training, { p: recipe.dropout, seeds }, adamWOf(recipe));
    const use = { adapter, strength: 1, dropout: null };
    for (const batch of evaluation) {
      if (batch.targetRows.length > 0) await lossesOf(decoder, use, batch);
    }
    // As a checkpoint reads it back.
    new ProvenReader(gpu, Math.max(...[...runner.tensors.values()].map(byteLengthOf))).dispose();
    const parts = memory.peakParts;
    for (const part of memoryParts) parts[part] -= partsBefore[part];
    return { total: memory.peak - before, parts, loadPeak, trainableParameters: adapter.parameters };
  } finally {
    runner.dispose();
    adapter.dispose();
    closeDecoder(decoder);
    await decoder.spill?.dispose();
  }
}

function adamWOf({ lr, beta1, beta2, eps, weight_decay, max_grad_norm }: Recipe) {
  return { lr, beta1, beta2, eps, weightDecay: weight_decay, maxGradNorm: max_grad_norm, step: 1 };
}

/** A micro-batch of which only the sizes matter: one array that nobody reads serves for all. */
function emptyBatch({ tokens, targets, weighted }: Omit<LargestBatch, 'from'>): MicroBatch {
  const zeros = new Uint32Array(Math.min(tokens, MAX_TOKENS));
  const ofTargets = zeros.subarray(0, targets);
  return {
    tokens: zeros,
    positions: zeros,
    segmentStart: zeros,
    segmentEnd: zeros,
    targetRows: ofTargets,
    targetIds: ofTargets,
    targetWeights: weighted ? new Float32Array(ofTargets.buffer, 0, ofTargets.length) : null,
    rows: 1,
  };
}

/** A micro-batch of rows of the maximal length, every token trained. */
function longestRows(
  recipe: Recipe,
  maxPositions: number,
): { train: TokenRows; evaluation: TokenRows | null } {
  const { rows, length } = fullRows(recipe, maxPositions);
  const ids = Array.from({ length }, () => 0);
  const train = tokenRowsOf(Array.from({ length: rows }, () => ({ ids, labels: ids })));
  return { train, evaluation: recipe.eval_fraction > 0 ? train : null };
}
