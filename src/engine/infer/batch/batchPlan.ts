import type { ActivationDtype } from '../../../base/config/runRecord.ts';
import { DryGpu, type GpuLimits } from '../../gpu/dryGpu.ts';
import { Decoder, withoutAdapter, type AdapterUse } from '../../model/decoder/decoder.ts';
import type { LayerTensors, PoolSize, StateOwner } from '../../model/decoder/mixers/mixer.ts';
import { mixerFor } from '../../model/decoder/mixers/mixerOf.ts';
import type { ModelFiles } from '../../model/spec/openModel.ts';
import { closeDecoder, openDecoder } from '../../model/weights/openDecoder.ts';
import { rowsFor, type ScheduledText, type StepPart } from './schedule.ts';
import { runStep, type StepChoice } from './runStep.ts';

/** Sequences that decode together, at most: more gain little, and their logits take memory. */
export const MAX_SEQUENCES = 64;
/** Tokens of prompts in a step. */
export const STEP_TOKENS = 512;
/** What pools and passes may take where nobody says. */
export const DEFAULT_BUDGET = 2 ** 31;

/** How many sequences decode together. */
export interface BatchSize {
  sequences: number;
  /** Tokens of prompts in a step. */
  stepTokens: number;
  /** Of the pools. */
  size: PoolSize;
}

/** The same, and what it takes on the GPU beyond weights and adapter. */
export interface BatchPlan extends BatchSize {
  /** Bytes of the pools, and of the passes' activations and logits. */
  poolBytes: number;
  passBytes: number;
}

/** What a plan is made for. */
export interface PlannedBatch {
  texts: readonly ScheduledText[];
  /** Whether any text is sampled, so that logits are read back rather than their largest. */
  sampled?: boolean;
  /** At most so many sequences together. */
  sequences?: number;
  /** The most bytes of pools and passes. One sequence is planned even where it takes more. */
  budget?: number;
}

/**
 * The most sequences, up to `sequences`, that decode together within the budget, and what they take to the byte: a step
 * runs on a device that only counts, as in `planMemory`.
 * @param type of the activations
 */
export async function planBatch(
  files: ModelFiles,
  type: ActivationDtype,
  limits: GpuLimits,
  { texts, sampled = false, sequences: wanted = MAX_SEQUENCES, budget = DEFAULT_BUDGET }: PlannedBatch,
): Promise<BatchPlan> {
  const gpu = new DryGpu(limits);
  const loaded = await openDecoder(gpu, files, type);
  try {
    for (let sequences = Math.max(1, Math.min(wanted, MAX_SEQUENCES, texts.length)); ; sequences >>= 1) {
      const plan = await measured(gpu, loaded, texts, { sequences, sampled });
      const fits = plan.poolBytes + plan.passBytes <= budget && gpu.largestBinding.bytes <= limits.maxBinding;
      if (fits || sequences === 1) return plan;
      gpu.largestBinding = { bytes: 0, label: '' };
    }
  } finally {
    closeDecoder(loaded);
    gpu.destroy();
  }
}

async function measured(
  gpu: DryGpu,
  { spec, weights, type }: Decoder,
  texts: readonly ScheduledText[],
  { sequences, sampled }: { sequences: number; sampled: boolean },
): Promise<BatchPlan> {
  // Beginnings that several share have a state of their own.
  const size = { keys: rowsFor(texts, sequences).most, states: 2 * sequences };
  const decoder = new Decoder(gpu, spec, weights, type);
  const before = gpu.memory.bytes;
  const pools = makePools({ gpu, spec, type }, size);
  const poolBytes = gpu.memory.bytes - before;
  try {
    const choice: StepChoice = sampled ? 'logits' : 'largest';
    await runStep(decoder, withoutAdapter, fullStep(sequences), pools, choice);
    const passBytes = gpu.memory.bytes - before - poolBytes;
    return { sequences, stepTokens: STEP_TOKENS, size, poolBytes, passBytes };
  } finally {
    freePools(gpu, pools);
    decoder.dispose();
  }
}

/**
 * Takes what a batch takes, without one, and gives the pools back: scratch for its largest step stays in the workspace.
 */
export async function reserveBatch(
  decoder: Decoder,
  use: AdapterUse,
  { sequences, stepTokens, size }: BatchSize,
  choice: StepChoice,
): Promise<void> {
  const pools = makePools(decoder, size);
  try {
    await runStep(decoder, use, fullStep(sequences, stepTokens), pools, choice);
  } finally {
    freePools(decoder.gpu, pools);
  }
}

/** The tensors of the pools of every layer. */
export function makePools(owner: StateOwner, size: PoolSize): LayerTensors[] {
  const { layers, mixerOf } = owner.spec;
  return Array.from({ length: layers }, (_, layer) => mixerFor(mixerOf(layer)).createPool(owner, size));
}

export function freePools(
  { memory }: Pick<StateOwner['gpu'], 'memory'>,
  pools: readonly LayerTensors[],
): void {
  for (const tensors of pools) for (const tensor of Object.values(tensors)) memory.free(tensor);
}

/** The largest step: all sequences, and as many tokens of prompts as one takes. */
function fullStep(sequences: number, stepTokens = STEP_TOKENS): StepPart[] {
  const nothing = { start: 0, rows: 0 };
  const part = (ids: number[]): StepPart => ({
    ids,
    position: 0,
    row: 0,
    shared: nothing,
    own: 0,
    from: 0,
    to: 0,
    request: 0,
  });
  const single = Array.from({ length: sequences - 1 }, () => part([0]));
  return [...single, part(Array.from({ length: stepTokens + 1 }, () => 0))];
}
