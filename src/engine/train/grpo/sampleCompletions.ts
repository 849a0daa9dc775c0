import { generate } from '../../infer/generate.ts';
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
}

/** Completes prompts: the same seeds and parameters give the same tokens. */
export async function sampleCompletions(
  decoder: Decoder,
  use: AdapterUse,
  asked: readonly AskedPrompt[],
  { endIds, ...sampling }: CompletionSampling,
): Promise<Completion[]> {
  const completions: Completion[] = [];
  for (const { prompt, maxNewTokens, seed } of asked) {
    // An end token is among the ids: ending well is learned, too.
    const ends = (id: number) => endIds.includes(id);
    const options = { ...sampling, maxNewTokens, seed, endIds: [], onToken: ends };
    const { ids, stoppedBy } = await generate(decoder, use, prompt, options);
    completions.push({ ids, ended: stoppedBy === 'caller' });
  }
  return completions;
}

/** Takes the memory of the longest completion, without making it: its caches, and the scratch of prompt and token. */
export async function reserveGeneration(
  decoder: Decoder,
  use: AdapterUse,
  { prompt, room }: GenerationShape,
): Promise<void> {
  let count = 0;
  await generate(
    decoder,
    use,
    Array.from({ length: prompt }, () => 0),
    {
      maxNewTokens: room,
      seed: 0,
      temperature: 0,
      topK: 0,
      topP: 1,
      endIds: [],
      onToken: () => ++count === 2,
    },
  );
}
