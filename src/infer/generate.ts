import type { Tensor } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { GraftError } from '../lib/errors.ts';
import { createRandom } from '../lib/random.ts';
import type { MicroBatch } from '../data/microBatch.ts';
import { uploadBatch } from '../model/batchTensors.ts';
import type { LayerCache } from '../model/block.ts';
import type { AdapterUse, Decoder } from '../model/decoder.ts';
import { logitsOf } from '../model/head.ts';
import type { DecoderSpec } from '../model/spec.ts';
import { sample, type SamplingOptions } from './sampling.ts';

export interface GenerateOptions extends SamplingOptions {
  maxNewTokens: number;
  seed: number;
  /** Ids that end the text; they are not returned. */
  endIds: readonly number[];
  /** Called with each token as it comes; returning true stops. */
  onToken?: (id: number) => boolean | void;
}

/** Generated token ids, and why they end. */
export interface Generated {
  ids: number[];
  stoppedBy: 'end' | 'length' | 'person';
}

/** Tokens of a prompt that run through the model at once: bounds the memory of long prompts. */
const PREFILL = 512;

/** Throws `infer.empty_prompt`, `infer.prompt_too_long`: a prompt needs a token, and the answer a position. */
export function checkPrompt({ maxPositions }: DecoderSpec, prompt: readonly number[]): void {
  if (prompt.length === 0) throw new GraftError('infer.empty_prompt');
  if (prompt.length >= maxPositions) {
    throw new GraftError('infer.prompt_too_long', { length: prompt.length, positions: maxPositions });
  }
}

/**
 * Continues `prompt` with a KV cache. The adapter is switched on, off or mixed by `use.strength` on the same weights.
 * Throws `infer.empty_prompt`, `infer.prompt_too_long`.
 */
export async function generate(
  decoder: Decoder,
  use: AdapterUse,
  prompt: readonly number[],
  options: GenerateOptions,
): Promise<Generated> {
  const { maxPositions, layers } = decoder.spec;
  checkPrompt(decoder.spec, prompt);
  const capacity = Math.min(maxPositions, prompt.length + options.maxNewTokens);
  const caches = Array.from({ length: layers }, () => createCache(decoder, capacity));
  try {
    let logits: Float32Array = new Float32Array();
    for (let at = 0; at < prompt.length; at += PREFILL) {
      const last = at + PREFILL >= prompt.length;
      logits = await extend(decoder, use, prompt.slice(at, at + PREFILL), caches, last);
    }
    return await continueFrom(decoder, use, logits, caches, capacity - prompt.length, options);
  } finally {
    for (const { k, v } of caches) for (const tensor of [k, v]) decoder.gpu.memory.free(tensor);
  }
}

async function continueFrom(
  decoder: Decoder,
  use: AdapterUse,
  first: Float32Array,
  caches: LayerCache[],
  room: number,
  options: GenerateOptions,
): Promise<Generated> {
  const random = createRandom(options.seed);
  const ids: number[] = [];
  let logits = first;
  while (ids.length < room) {
    const id = sample(logits, options, random);
    if (options.endIds.includes(id)) return { ids, stoppedBy: 'end' };
    ids.push(id);
    if (options.onToken?.(id) === true) return { ids, stoppedBy: 'person' };
    if (ids.length < room) logits = await extend(decoder, use, [id], caches, true);
  }
  return { ids, stoppedBy: 'length' };
}

/** Runs new tokens after the cached ones; returns the logits [V] of the last when they are wanted. */
async function extend(
  decoder: Decoder,
  use: AdapterUse,
  ids: readonly number[],
  caches: LayerCache[],
  wantLogits: boolean,
): Promise<Float32Array> {
  const { commands, workspace, gpu, spec } = decoder;
  const past = caches[0]?.length ?? 0;
  const batch = uploadBatch(gpu, workspace, buildSequence(ids, past));
  const pass = decoder.pass(batch, { ...use, dropout: null });
  const hidden = await decoder.forward(pass, batch, false, caches);
  for (const cache of caches) cache.length += ids.length;
  if (!wantLogits) return new Float32Array();
  const logits = await logitsOf(decoder, use, hidden[spec.layers]!, batch.targetRows, 1);
  commands.submit();
  return readFloats(gpu, logits);
}

/** New tokens of one sequence after `past` cached ones; the last is the one whose logits are wanted. */
function buildSequence(ids: readonly number[], past: number): MicroBatch {
  const count = ids.length;
  return {
    tokens: Uint32Array.from(ids),
    positions: Uint32Array.from(ids, (_, i) => past + i),
    segmentStart: new Uint32Array(count),
    segmentEnd: new Uint32Array(count).fill(past + count),
    targetRows: Uint32Array.of(count - 1),
    targetIds: new Uint32Array(1),
    targetWeights: null,
    rows: 1,
  };
}

function createCache({ gpu, spec, type }: Decoder, capacity: number): LayerCache {
  const tensor = (name: string): Tensor =>
    gpu.memory.tensor(type, [capacity, spec.kvHeads, spec.headDim], name);
  return { k: tensor('cached keys'), v: tensor('cached values'), length: 0 };
}
