import { reserveBatch, STEP_TOKENS, type BatchSize } from '../../infer/batch/batchPlan.ts';
import { generateBatch } from '../../infer/batch/generateBatch.ts';
import type { SamplingOptions } from '../../infer/sampling.ts';
import type { AdapterUse, Decoder } from '../../model/decoder/decoder.ts';
import type { GenerationShape } from './completionShapes.ts';

/** A prompt to complete. */
export interface AskedPrompt {
  prompt: readonly number[];
  maxNewTokens: number;
  seed: number;
}

/** A completion as it is trained on: the token that ended it is one of its own. */
export interface Completion {
  ids: number[];
  /** Whether it ended by itself, not at the longest. */
  ended: boolean;
}

/** How completions are sampled. */
export interface CompletionSampling extends Pick<SamplingOptions, 'temperature' | 'topK' | 'topP'> {
  /** Tokens that end a completion. */
  endIds: readonly number[];
  /** What they may take, which determines how many are made together. */
  shape: GenerationShape;
}

/** Completes prompts, many together: the same prompts, seeds and parameters give the same tokens. */
export async function sampleCompletions(
  decoder: Decoder,
  use: AdapterUse,
  asked: readonly AskedPrompt[],
  { endIds, shape, ...sampling }: CompletionSampling,
): Promise<Completion[]> {
  // An end token is among the ids: ending well is learned, too.
  const requests = asked.map((one) => ({ ...one, ...sampling, endIds: [] }));
  const generated = await generateBatch(decoder, use, requests, {
    plan: planOf(shape),
    onToken: (_, id) => endIds.includes(id),
  });
  return generated.map(({ ids, stoppedBy }) => ({ ids, ended: stoppedBy === 'caller' }));
}

/** Takes the memory of completions of a shape, without making any. */
export async function reserveGeneration(
  decoder: Decoder,
  use: AdapterUse,
  shape: GenerationShape,
): Promise<void> {
  // Sampled to be trained on, and the likeliest to be evaluated.
  for (const choice of ['logits', 'largest'] as const)
    await reserveBatch(decoder, use, planOf(shape), choice);
}

/**
 * Room for all sequences at their longest; what completions of a prompt begin with is there once, and a prompt that comes
 * after others finds room while they end.
 */
function planOf({ prompt, room, sequences, prompts }: GenerationShape): BatchSize {
  const keys = (prompts + 1) * prompt + sequences * room;
  return {
    sequences,
    stepTokens: Math.min(STEP_TOKENS, keys - 1),
    // Beginnings that several share have a state of their own.
    size: { keys, states: sequences + prompts + 1 },
  };
}
