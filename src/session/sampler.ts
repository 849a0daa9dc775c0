import { GraftError } from '../base/lib/errors.ts';
import type { Vocabulary } from '../content/data/tokenizer/vocabulary.ts';
import { answer } from '../engine/infer/answer.ts';
import type { Decoder } from '../engine/model/decoder/decoder.ts';
import type { Trainable } from '../engine/model/trained/trainable.ts';
import type { SamplePrompt } from './trainJob.ts';

/** The most tokens of a sample. */
const MAX_TOKENS = 64;

/** Answers the prompts of a run with what it has learned so far, greedily: checkpoints are to be compared. */
export function sampler(
  decoder: Decoder,
  adapter: Trainable,
  tokenizer: Vocabulary | null,
  samples: readonly SamplePrompt[],
  onSample: (step: number, prompt: string, text: string) => void,
): (step: number) => Promise<void> {
  return async (step) => {
    if (!tokenizer) return;
    for (const { text: prompt, ids, endIds = [...tokenizer.eosIds] } of samples) {
      const use = { adapter, strength: 1, dropout: null };
      const options = { endIds, maxNewTokens: MAX_TOKENS, temperature: 0, topK: 0, topP: 1, seed: 0 };
      try {
        onSample(step, prompt, (await answer(decoder, use, tokenizer, ids, options)).text);
      } catch (error) {
        // A prompt that is too long, say: the training is worth more than its sample.
        if (!(error instanceof GraftError && error.code.startsWith('infer.'))) throw error;
        onSample(step, prompt, error.message);
      }
    }
  };
}
