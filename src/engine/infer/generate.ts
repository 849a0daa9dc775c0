import { readFloats } from '../gpu/transfer.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { createRandom } from '../../base/lib/random.ts';
import type { MicroBatch } from '../../content/data/tokens/microBatch.ts';
import { uploadBatch } from '../model/decoder/batchTensors.ts';
import type { AdapterUse, Decoder } from '../model/decoder/decoder.ts';
import { logitsOf } from '../model/decoder/head.ts';
import type { SequenceState } from '../model/decoder/mixers/mixer.ts';
import { mixerFor } from '../model/decoder/mixers/mixerOf.ts';
import type { DecoderSpec } from '../model/spec/spec.ts';
import { tokenChances, type TokenChances } from './tokenChances.ts';
import { penalizeRepetition, sample, type SamplingOptions } from './sampling.ts';

export interface GenerateOptions extends SamplingOptions {
  maxNewTokens: number;
  seed: number;
  /** Ids that end the text; they are not returned. */
  endIds: readonly number[];
  /** How many of the likeliest tokens `onToken` receives for each token, with their probabilities; none by default. */
  alternatives?: number;
  /** Called with each token; return true to stop. */
  onToken?: (id: number, chances: TokenChances | null) => boolean | void;
}

/** Generated token ids, and the reason they end. */
export interface Generated {
  ids: number[];
  stoppedBy: 'end' | 'length' | 'caller';
}

/** Prompt tokens processed at a time: bounds the memory of long prompts. */
const PREFILL = 512;

/**
 * Checks that a prompt has a token and leaves a position for the answer. Throws `infer.empty_prompt`,
 * `infer.prompt_too_long`.
 */
export function checkPrompt({ maxPositions }: DecoderSpec, prompt: readonly number[]): void {
  if (prompt.length === 0) throw new GraftError('infer.empty_prompt');
  if (prompt.length >= maxPositions) {
    throw new GraftError('infer.prompt_too_long', { length: prompt.length, positions: maxPositions });
  }
}

/**
 * Continues `prompt` with what each layer remembers: its KV cache, or its state. `use.strength` switches the adapter on
 * or off, or scales it, on the same weights. Throws `infer.empty_prompt`, `infer.prompt_too_long`.
 */
export async function generate(
  decoder: Decoder,
  use: AdapterUse,
  prompt: readonly number[],
  options: GenerateOptions,
): Promise<Generated> {
  const { maxPositions, layers, mixerOf } = decoder.spec;
  checkPrompt(decoder.spec, prompt);
  const capacity = Math.min(maxPositions, prompt.length + options.maxNewTokens);
  const states = Array.from({ length: layers }, (_, layer) =>
    mixerFor(mixerOf(layer)).createState(decoder, capacity),
  );
  try {
    const logits = await prefill(decoder, use, prompt, states);
    return await continueFrom(decoder, use, { prompt, logits, states }, capacity - prompt.length, options);
  } finally {
    for (const { tensors } of states) {
      for (const tensor of Object.values(tensors)) decoder.gpu.memory.free(tensor);
    }
  }
}

/** Computes the states of a text anew; returns the logits [V] of its last token. */
async function prefill(
  decoder: Decoder,
  use: AdapterUse,
  ids: readonly number[],
  states: SequenceState[],
): Promise<Float32Array> {
  for (const state of states) state.length = 0;
  let logits: Float32Array = new Float32Array();
  for (let at = 0; at < ids.length; at += PREFILL) {
    const wantLogits = at + PREFILL >= ids.length;
    const part = ids.slice(at, at + PREFILL);
    logits = await extend(decoder, use, part, states, { longest: ids.length, wantLogits });
  }
  return logits;
}

async function continueFrom(
  decoder: Decoder,
  use: AdapterUse,
  begun: { prompt: readonly number[]; logits: Float32Array; states: SequenceState[] },
  maxTokens: number,
  options: GenerateOptions,
): Promise<Generated> {
  const random = createRandom(options.seed);
  const { repetitionPenalty = 1, alternatives = 0 } = options;
  const seen = new Set(begun.prompt);
  const ids: number[] = [];
  const { states } = begun;
  let { logits } = begun;
  while (ids.length < maxTokens) {
    // The penalty changes the logits in place.
    const before = alternatives > 0 && repetitionPenalty !== 1 ? logits.slice() : logits;
    if (repetitionPenalty !== 1) penalizeRepetition(logits, seen, repetitionPenalty);
    const id = sample(logits, options, random);
    if (options.endIds.includes(id)) return { ids, stoppedBy: 'end' };
    ids.push(id);
    seen.add(id);
    const chances = alternatives > 0 ? tokenChances(before, id, alternatives) : null;
    if (options.onToken?.(id, chances) === true) return { ids, stoppedBy: 'caller' };
    if (ids.length === maxTokens) break;
    const text = begun.prompt.length + ids.length;
    // Beyond this length all keys turn otherwise: transformers computes them again, too.
    const isBeyond = text > decoder.cacheLimit && text - 1 <= decoder.cacheLimit;
    logits = isBeyond
      ? await prefill(decoder, use, [...begun.prompt, ...ids], states)
      : await extend(decoder, use, [id], states, { wantLogits: true });
  }
  return { ids, stoppedBy: 'length' };
}

/**
 * Runs new tokens after the cached ones; returns the logits [V] of the last if wanted.
 * @param longest tokens of a prompt of which these are a part
 */
async function extend(
  decoder: Decoder,
  use: AdapterUse,
  ids: readonly number[],
  states: SequenceState[],
  { longest = 0, wantLogits }: { longest?: number; wantLogits: boolean },
): Promise<Float32Array> {
  const { commands, workspace, gpu, spec } = decoder;
  const past = states[0]?.length ?? 0;
  const batch = uploadBatch(gpu, workspace, buildSequence(ids, past), { longest });
  const pass = decoder.pass(batch, { ...use, dropout: null });
  const hidden = await decoder.forward(pass, batch, false, states);
  for (const state of states) state.length += ids.length;
  if (!wantLogits) return new Float32Array();
  const logits = await logitsOf(decoder, use, hidden[spec.layers]!, batch.targetRows, 1);
  commands.submit();
  return readFloats(gpu, logits);
}

/** New tokens of one sequence after `past` cached ones; the last is the target. */
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
