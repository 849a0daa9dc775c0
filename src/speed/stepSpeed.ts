import { defaultRecipe, type Recipe } from '../config/recipe.ts';
import { buildMicroBatch, type MicroBatch } from '../data/microBatch.ts';
import { tokenRowsOf, type TokenRows } from '../data/tokenRows.ts';
import type { Gpu } from '../gpu/device.ts';
import { activationType, closeDecoder, openDecoder, quantizationOf } from '../model/openDecoder.ts';
import { openModelFiles } from '../model/openModel.ts';
import { resident } from '../model/streaming.ts';
import { MemoryFolder } from '../storage/memoryFolder.ts';
import { dataShapes } from '../train/largestBatch.ts';
import { prepareRun } from '../train/prepare.ts';
import { startAdapter } from '../train/startAdapter.ts';
import { StepRunner } from '../train/trainStep.ts';
import { writeRandomModel } from './randomModel.ts';
import { median } from './timing.ts';

/** A decoder that is trained for some steps. */
export interface StepShape {
  name: string;
  layers: number;
  hidden: number;
  ffn: number;
  heads: number;
  kvHeads: number;
  vocab: number;
  /** T: tokens of the one row of a step. */
  tokens: number;
  recipe: Partial<Recipe>;
}

/** What a training step takes. */
export interface StepSpeed {
  name: string;
  layers: number;
  hidden: number;
  tokens: number;
  method: Recipe['method'];
  rank: number;
  /** The median and the quickest step, the first left out. */
  seconds: number;
  best: number;
  samples: number;
  tokensPerSecond: number;
  dispatches: number;
  /** GPU memory of weights, adapter and the step at their most, in bytes. */
  peakBytes: number;
  /** From files in memory to the end of the first step, as a run does it: shaders are compiled while weights load. */
  secondsToFirstStep: number;
  /** Mean loss of the first and the last step. */
  losses: [number, number];
}

/** The decoder that peers are compared on, in LoRA. */
export const smallStep: StepShape = {
  name: 'small decoder',
  layers: 4,
  hidden: 256,
  ffn: 1024,
  heads: 4,
  kvHeads: 4,
  vocab: 512,
  tokens: 512,
  recipe: { method: 'lora', rank: 8 },
};

/** The same with less of everything, for a first look. */
export const quickStep: StepShape = { ...smallStep, name: 'one block', layers: 1, tokens: 64 };

/** Four blocks of Qwen2.5-0.5B over a small vocabulary, in 4 bits. */
export const largeStep: StepShape = {
  name: 'blocks of Qwen2.5-0.5B',
  layers: 4,
  hidden: 896,
  ffn: 4864,
  heads: 14,
  kvHeads: 2,
  vocab: 8192,
  tokens: 1024,
  recipe: { method: 'qlora', rank: 16 },
};

/** config.json of a shape. */
export function configOf(shape: Omit<StepShape, 'recipe' | 'tokens' | 'name'>): Record<string, unknown> {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: shape.hidden,
    intermediate_size: shape.ffn,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    vocab_size: shape.vocab,
    max_position_embeddings: 8192,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    tie_word_embeddings: true,
  };
}

/** A micro-batch of rows of `length` tokens, every token trained. */
export function rowsOfTokens(rows: number, length: number, vocab: number): MicroBatch {
  return buildMicroBatch(tokenRow(length, vocab), [new Array<number>(rows).fill(0)]);
}

/** One row of `length` tokens, every token trained. */
function tokenRow(length: number, vocab: number): TokenRows {
  const ids = Array.from({ length }, (_, i) => (i * 7919) % vocab);
  return tokenRowsOf([{ ids, labels: ids }]);
}

/** AdamW as a recipe has it, at its first step. */
export function adamWOf(recipe: Recipe) {
  const { lr, beta1, beta2, eps, weight_decay: weightDecay, max_grad_norm: maxGradNorm } = recipe;
  return { lr, beta1, beta2, eps, weightDecay, maxGradNorm };
}

const FEWEST = 3;
const MOST = 11;

/**
 * Trains a model of random weights for some steps, as a run does: read, load, start an adapter, step. Throws what these
 * throw, and the signal's reason.
 * @param budget seconds after which no further step begins
 */
export async function measureStep(
  gpu: Gpu,
  shape: StepShape,
  { budget, signal }: { budget: number; signal: AbortSignal },
): Promise<StepSpeed> {
  const folder = new MemoryFolder('random');
  await writeRandomModel(folder, configOf(shape));
  signal.throwIfAborted();
  const recipe: Recipe = { ...defaultRecipe(), ...shape.recipe };
  const { memory } = gpu;
  const before = memory.bytes;
  memory.resetPeak();
  const opened = performance.now();
  const files = await openModelFiles(folder);
  const data = dataShapes({ train: tokenRow(shape.tokens, shape.vocab), evaluation: null });
  const planned = { files, recipe, data, streaming: resident };
  const { loaded: decoder } = await prepareRun(gpu, planned, () =>
    openDecoder(gpu, files, activationType(gpu, recipe.dtype), { quantize: quantizationOf(recipe) }),
  );
  const adapter = await startAdapter(decoder, recipe, null);
  const runner = new StepRunner(decoder, adapter, recipe.optimizer);
  try {
    const batch = rowsOfTokens(1, shape.tokens, shape.vocab);
    const adamW = adamWOf(recipe);
    let step = 0;
    const run = async () => {
      step += 1;
      const { lossSum, targets } = await runner.run([batch], { p: 0, seeds: [] }, { ...adamW, step });
      return lossSum / targets;
    };
    const first = await run();
    const secondsToFirstStep = (performance.now() - opened) / 1000;
    const samples: number[] = [];
    const recorded = decoder.commands.dispatches;
    let last = first;
    const began = performance.now();
    while (
      samples.length < FEWEST ||
      (samples.length < MOST && (performance.now() - began) / 1000 < budget)
    ) {
      signal.throwIfAborted();
      const start = performance.now();
      last = await run();
      samples.push((performance.now() - start) / 1000);
    }
    const seconds = median(samples);
    const { name, layers, hidden, tokens } = shape;
    return {
      name,
      layers,
      hidden,
      tokens,
      method: recipe.method,
      rank: recipe.rank,
      seconds,
      best: Math.min(...samples),
      samples: samples.length,
      tokensPerSecond: tokens / seconds,
      dispatches: (decoder.commands.dispatches - recorded) / samples.length,
      peakBytes: memory.peak - before,
      secondsToFirstStep,
      losses: [first, last],
    };
  } finally {
    runner.dispose();
    adapter.dispose();
    closeDecoder(decoder);
  }
}
