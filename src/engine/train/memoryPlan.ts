import { mayHoldOut } from '../../base/config/evaluationSplit.ts';
import type { Recipe } from '../../base/config/recipe.ts';
import type { ActivationDtype } from '../../base/config/runRecord.ts';
import { buildMicroBatch, type MicroBatch } from '../../content/data/tokens/microBatch.ts';
import { IGNORED } from '../../content/data/labels/tokenizedRow.ts';
import type { PreferenceMark } from '../../content/data/tokens/preferenceColumn.ts';
import { tokenRowsOf, type TokenRow, type TokenRows } from '../../content/data/tokens/tokenRows.ts';
import type { Gpu } from '../gpu/device.ts';
import { DryGpu, type GpuLimits } from '../gpu/dryGpu.ts';
import type { KernelUse } from '../gpu/kernel.ts';
import { byteLengthOf } from '../gpu/tensor.ts';
import { memoryParts, type MemoryByPart } from '../gpu/memory.ts';
import {
  activationType,
  closeDecoder,
  headOf,
  openDecoder,
  quantizationOf,
} from '../model/weights/openDecoder.ts';
import { embeddingOnDisk } from '../model/weights/embeddingPlace.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';
import { resident, type Streaming } from '../model/weights/streaming.ts';
import type { Directory } from '../../base/storage/types.ts';
import {
  dataShapes,
  firstBatches,
  fullRows,
  largestEvaluation,
  largestTraining,
  promptsOf,
  rowLimit,
  sequencesOfRow,
  type DataShapes,
  type LargestBatch,
} from './largestBatch.ts';
import { evaluateBatch } from './preference/evaluatePreferences.ts';
import { checkObjective } from './checkObjective.ts';
import {
  completionRoom,
  generationShape,
  longestGeneration,
  type GenerationShape,
} from './grpo/completionShapes.ts';
import { objectiveOf } from './preference/judge.ts';
import { PreferenceObjective } from './preference/preferenceObjective.ts';
import type { ReferencePlan } from './preference/keptReferences.ts';
import { referencesOf } from './preference/preferenceStep.ts';
import { checkTraining, startTraining } from './startTraining.ts';
import { ProvenReader } from './provenReader.ts';
import { StepRunner } from './trainStep.ts';

/** A micro-batch of more tokens than this counts as one of so many: there is no GPU that either would fit. */
const MAX_TOKENS = 1 << 24;

/** Micro-batches whose kernels are collected: enough to meet every size, few compared to a run. */
const FIRST_BATCHES = 16;

/** Bytes of a run's GPU buffers. */
export interface MemoryUse {
  /** The most at once, from loading the model to the end of the run. */
  total: number;
  /** `total` by purpose. */
  parts: MemoryByPart;
  /** The most at once while the model is loaded. */
  loadPeak: number;
  trainableParameters: number;
}

/** The memory of a run, computed beforehand. */
export interface MemoryPlan extends MemoryUse {
  /** Tokens and targets of the largest micro-batch of training. */
  tokens: number;
  targets: number;
  /** What activations are computed in: the recipe's `dtype`, where "auto" follows the device. */
  activations: ActivationDtype;
  /** When the log-probabilities of the reference model are computed; null for objectives without one. */
  reference: ReferencePlan | null;
  /** Bytes of an embedding that stays on disk, of which a micro-batch reads the rows of its tokens; 0 for one on the GPU. */
  embeddingOnDisk: number;
  /** The largest buffer range that a kernel binds, and its purpose: the device refuses more than its limit. */
  largestBinding: { bytes: number; label: string };
}

/**
 * The memory of a recipe's run on a model, computed from the model's headers and the shapes of the rows alone. There are
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
      training: together(recipe, streaming, [emptyBatch(training, recipe)]),
      evaluation: evaluation ? [emptyBatch(evaluation, recipe)] : [],
      generation: generationOf(recipe, maxPositions, data),
      streaming,
    });
    const { tokens, targets } = training;
    return {
      ...use,
      reference: data ? referencesOf(recipe, data.train.tokens) : null,
      tokens,
      targets,
      activations: activationType(gpu, recipe),
      embeddingOnDisk: embeddingOnDisk(files, headOf(recipe), streaming),
      largestBinding: gpu.largestBinding,
    };
  } finally {
    gpu.destroy();
  }
}

/**
 * The kernels that loading, the first micro-batches, the largest and an evaluation use, found as the plan is. A
 * micro-batch of another size may use others. Throws what `planMemory` throws.
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
  const gpu = new DryGpu(limits, { recordsKernels: true });
  try {
    await memoryOf(gpu, files, recipe, {
      training: training.map((batch) => emptyBatch(batch, recipe)),
      evaluation: evaluation ? [emptyBatch(evaluation, recipe)] : [],
      generation: generationOf(recipe, maxPositions, data),
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
  const limit = rowLimit(recipe, maxPositions);
  const grpo = recipe.objective === 'grpo' ? await import('./grpo/index.ts') : null;
  const batchesOf = (of: TokenRows, { from }: LargestBatch) =>
    from.map((batch) =>
      grpo ? grpo.longestCompletionBatch(of, batch.flat(), recipe, limit) : buildMicroBatch(of, batch, limit),
    );
  const evaluated = largestEvaluation(recipe, maxPositions, shapes);
  return memoryOf(gpu, files, recipe, {
    training: together(recipe, streaming, batchesOf(train, largestTraining(recipe, maxPositions, shapes))),
    evaluation: evaluation && evaluated ? batchesOf(evaluation, evaluated) : [],
    generation: generationOf(recipe, maxPositions, shapes),
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

/** The memory of loading, a step and an evaluation beyond what is allocated already. */
async function memoryOf(
  gpu: Gpu,
  files: ModelFiles,
  recipe: Recipe,
  {
    training,
    evaluation,
    generation,
    streaming,
    spillFolder = null,
  }: {
    training: MicroBatch[];
    evaluation: MicroBatch[];
    generation: GenerationShape | null;
    streaming: Streaming;
    spillFolder?: Directory | null;
  },
): Promise<MemoryUse> {
  const { memory } = gpu;
  memory.resetPeak();
  const [before, partsBefore] = [memory.bytes, memory.parts];
  const type = activationType(gpu, recipe);
  // Before loading, since the recipe may be wrong.
  checkTraining(files, recipe);
  checkObjective(recipe);
  const decoder = await openDecoder(gpu, files, type, {
    quantize: quantizationOf(recipe),
    head: headOf(recipe),
    streaming,
    spillFolder,
  });
  const loadPeak = memory.peak - before;
  const adapter = await startTraining(decoder, recipe, null, { unused: 'reserved' });
  const objective = objectiveOf(recipe);
  // Log-probabilities of the reference that are computed once take what the pass of a step takes.
  const preference = objective && new PreferenceObjective(objective);
  const grpo = generation && (await import('./grpo/index.ts'));
  const judged = grpo ? new grpo.GrpoObjective(recipe, () => null) : preference;
  const runner = new StepRunner(decoder, adapter, recipe.optimizer, recipe.kept_inputs, judged);
  try {
    const seeds = training.map(() => recipe.seed);
    await runner.run(training, { p: recipe.dropout, seeds }, adamWOf(recipe));
    const use = { adapter, strength: 1, dropout: null };
    for (const batch of evaluation) {
      await evaluateBatch(decoder, use, batch, objective);
    }
    // Completions are made with the scratch of a step still there.
    if (grpo) await grpo.reserveGeneration(decoder, use, generation);
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

/** The longest completion of a run; null where nothing is completed. Without data, a completion is as long as it may be. */
function generationOf(recipe: Recipe, maxPositions: number, data: DataShapes | null): GenerationShape | null {
  if (recipe.objective !== 'grpo') return null;
  const limit = rowLimit(recipe, maxPositions);
  if (data) return longestGeneration(promptsOf(data), recipe, limit);
  const room = completionRoom(recipe, 1, limit);
  return generationShape(limit - room, recipe, limit);
}

function adamWOf({ lr, beta1, beta2, eps, weight_decay, max_grad_norm }: Recipe) {
  return { lr, beta1, beta2, eps, weightDecay: weight_decay, maxGradNorm: max_grad_norm, step: 1 };
}

/** A micro-batch of which only the sizes matter: one array that is never read serves for all. */
function emptyBatch(sizes: Omit<LargestBatch, 'from'>, { objective }: Recipe): MicroBatch {
  const batch = emptyRows(sizes);
  if (objective === 'sft') return batch;
  if (objective === 'grpo') {
    const known = { sampled: null, reference: null };
    return { ...batch, completions: [{ start: 0, end: 0, advantage: 0, tokenShare: 0, known }] };
  }
  const half = sizes.targets >> 1;
  const pair = [
    { promptStart: 0, start: 0, end: half, good: true, id: 0 },
    { promptStart: half, start: half, end: sizes.targets, good: false, id: 1 },
  ];
  const mismatched = { ...batch, preference: { answers: pair, mismatched: null } };
  return { ...batch, preference: { answers: pair, mismatched: objective === 'kto' ? mismatched : null } };
}

function emptyRows({ tokens, targets, weighted }: Omit<LargestBatch, 'from'>): MicroBatch {
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

/** A row of the maximal length, every token trained; a pair is two such sequences. */
function longestRow(recipe: Recipe, length: number): TokenRow {
  const { objective } = recipe;
  if (objective === 'grpo') {
    const prompt = Array.from({ length: length - completionRoom(recipe, 1, length) }, () => 0);
    return { ids: prompt, labels: prompt.map(() => IGNORED), reference: 'null' };
  }
  const ids = Array.from({ length: length * sequencesOfRow(recipe) }, () => 0);
  const labels = ids.map((id, i) => (i % length === 0 && objective !== 'sft' ? IGNORED : id));
  if (objective === 'sft') return { ids, labels };
  const mark: PreferenceMark =
    objective === 'kto' ? { kind: 'labels', value: 1 } : { kind: 'pairs', value: length };
  return { ids, labels, mark };
}

/** A micro-batch of rows of the maximal length, every token trained. */
function longestRows(
  recipe: Recipe,
  maxPositions: number,
): { train: TokenRows; evaluation: TokenRows | null } {
  const { rows, length } = fullRows(recipe, maxPositions);
  const train = tokenRowsOf(Array.from({ length: rows }, () => longestRow(recipe, length)));
  return { train, evaluation: mayHoldOut(recipe) ? train : null };
}
