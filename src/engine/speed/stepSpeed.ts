import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { buildMicroBatch, type MicroBatch } from '../../content/data/tokens/microBatch.ts';
import { tokenRowsOf, type TokenRows } from '../../content/data/tokens/tokenRows.ts';
import type { Gpu } from '../gpu/device.ts';
import {
  activationType,
  closeDecoder,
  headOf,
  openDecoder,
  quantizationOf,
} from '../model/weights/openDecoder.ts';
import { openModelFiles, type ModelFiles } from '../model/spec/openModel.ts';
import { resident } from '../model/weights/streaming.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { dataShapes } from '../train/largestBatch.ts';
import { prepareRun } from '../train/prepare.ts';
import { startAdapter } from '../train/startAdapter.ts';
import { StepRunner } from '../train/trainStep.ts';
import { speedShapes, type SpeedShapes } from './cases.ts';
import { writeRandomModel } from './randomModel.ts';
import { median } from './timing.ts';

/** A decoder to train for some steps. */
export interface StepShape {
  name: string;
  layers: number;
  hidden: number;
  ffn: number;
  heads: number;
  kvHeads: number;
  vocab: number;
  /** T: tokens of a step, in one row. */
  tokens: number;
  recipe: Partial<Recipe>;
}

/** The measured cost of a training step. */
export interface StepSpeed {
  name: string;
  layers: number;
  hidden: number;
  tokens: number;
  method: Recipe['method'];
  rank: number;
  /** Median and minimum seconds of a step, excluding the first. */
  seconds: number;
  best: number;
  samples: number;
  tokensPerSecond: number;
  dispatches: number;
  /** Peak GPU memory in bytes of weights, adapter and step. */
  peakBytes: number;
  /**
   * Seconds from files in memory to the end of the first step, as in a run: shaders are compiled while weights load.
   */
  secondsToFirstStep: number;
  /** Mean loss of the first and the last step. */
  losses: [number, number];
}

/** The decoder for comparisons with peers, with LoRA. */
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

/** A smaller version, for a first look. */
export const quickStep: StepShape = { ...smallStep, name: 'one block', layers: 1, tokens: 64 };

/** A decoder whose steps are measured over several numbers of tokens. */
export type StepModel = Omit<StepShape, 'tokens' | 'recipe'>;

/** Blocks of the Qwen2.5 models, with a small vocabulary, so that blocks take most of the time. */
export const stepModels = {
  qwen: { name: '4 blocks of Qwen2.5-0.5B', layers: 4, ...sizesOf(speedShapes.qwen) },
  qwen15: { name: 'a block of Qwen2.5-1.5B', layers: 1, ...sizesOf(speedShapes.qwen15) },
  qwen7: { name: 'a block of Qwen2.5-7B', layers: 1, ...sizesOf(speedShapes.qwen7) },
} satisfies Record<string, StepModel>;

function sizesOf({ hidden, ffn, heads, kvHeads }: Omit<SpeedShapes, 'tokens'>) {
  return { hidden, ffn, heads, kvHeads, vocab: 8192 };
}

/** FLOPs of a LoRA step, a multiply-add counting as two: a forward pass, its recomputation, and gradients of inputs. */
export function stepFlops({ layers, hidden, ffn, heads, kvHeads, vocab, tokens }: StepShape): number {
  const kv = (hidden / heads) * kvHeads;
  const ofBlock = 2 * hidden * hidden + 2 * hidden * kv + 3 * hidden * ffn;
  const attention = layers * hidden * tokens;
  return 2 * tokens * (3 * layers * ofBlock + 3 * vocab * hidden + 4 * attention);
}

/** A folder with a model of the shape's sizes, whose weights are random. */
export async function randomModelOf(shape: StepModel): Promise<ModelFiles> {
  const folder = new MemoryFolder('random');
  await writeRandomModel(folder, configOf(shape));
  return openModelFiles(folder);
}

/** config.json of a shape. */
export function configOf(shape: Omit<StepModel, 'name'>): Record<string, unknown> {
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

/** A micro-batch of rows of `length` tokens, all of them trained. */
export function rowsOfTokens(rows: number, length: number, vocab: number): MicroBatch {
  return buildMicroBatch(tokenRow(length, vocab), [new Array<number>(rows).fill(0)]);
}

/** One row of `length` tokens, all of them trained. */
function tokenRow(length: number, vocab: number): TokenRows {
  const ids = Array.from({ length }, (_, i) => (i * 7919) % vocab);
  return tokenRowsOf([{ ids, labels: ids }]);
}

/** The AdamW settings of a recipe for its first step. */
export function adamWOf(recipe: Recipe) {
  const { lr, beta1, beta2, eps, weight_decay: weightDecay, max_grad_norm: maxGradNorm } = recipe;
  return { lr, beta1, beta2, eps, weightDecay, maxGradNorm };
}

const FEWEST = 3;
const MAX_STEPS = 11;

/**
 * Trains a model of random weights for some steps, as a run does: reads, loads, adds an adapter, steps. Throws what
 * these throw, and the signal's reason.
 * @param budget seconds after which no further step starts
 * @param model what `randomModelOf` made of the shape, if it is there already
 */
export async function measureStep(
  gpu: Gpu,
  shape: StepShape,
  { budget, signal, model }: { budget: number; signal: AbortSignal; model?: ModelFiles },
): Promise<StepSpeed> {
  const made = model ?? (await randomModelOf(shape));
  signal.throwIfAborted();
  const recipe: Recipe = { ...defaultRecipe(), ...shape.recipe };
  const { memory } = gpu;
  const before = memory.bytes;
  memory.resetPeak();
  const opened = performance.now();
  const files = await openModelFiles(made.folder);
  const data = dataShapes({ train: tokenRow(shape.tokens, shape.vocab), evaluation: null });
  const planned = { files, recipe, data, streaming: resident };
  const { loaded: decoder } = await prepareRun(gpu, planned, () =>
    openDecoder(gpu, files, activationType(gpu, recipe), {
      quantize: quantizationOf(recipe),
      head: headOf(recipe),
    }),
  );
  const adapter = await startAdapter(decoder, recipe, null);
  const runner = new StepRunner(decoder, adapter, recipe.optimizer, recipe.kept_inputs);
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
      (samples.length < MAX_STEPS && (performance.now() - began) / 1000 < budget)
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
