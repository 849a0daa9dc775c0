import { GraftError } from '../base/lib/errors.ts';
import type { Vocabulary } from '../content/data/tokenizer/vocabulary.ts';
import { answerBatch } from '../engine/infer/batch/answerBatch.ts';
import { checkPrompt } from '../engine/infer/generate.ts';
import type { Decoder } from '../engine/model/decoder/decoder.ts';
import type { ModelFiles } from '../engine/model/spec/openModel.ts';
import type { Trainable } from '../engine/model/trained/trainable.ts';
import type { SamplePrompt } from './trainJob.ts';

/** The most tokens of a sample. */
const MAX_TOKENS = 64;
/** Few at a time, in little memory: it is the training that the GPU's is for. */
const TOGETHER = { sequences: 8, budget: 2 ** 28 };

/** Answers the prompts of a run together with what it has learned so far, greedily: checkpoints are to be compared. */
export function sampler(
  decoder: Decoder,
  adapter: Trainable,
  { files, tokenizer }: { files: ModelFiles; tokenizer: Vocabulary | null },
  samples: readonly SamplePrompt[],
  onSample: (step: number, prompt: string, text: string) => void,
): (step: number) => Promise<void> {
  return async (step) => {
    if (!tokenizer) return;
    const problems = samples.map(({ ids }) => problemOf(decoder, ids));
    const usable = samples.filter((_, i) => problems[i] === null);
    const asked = usable.map(({ ids, endIds = [...tokenizer.eosIds] }) => ({ ids, endIds }));
    const use = { adapter, strength: 1, dropout: null };
    const greedy = { maxNewTokens: MAX_TOKENS, temperature: 0, topK: 0, topP: 1, seed: 0 };
    const answers = await answerBatch(decoder, use, { files, tokenizer }, asked, { ...greedy, ...TOGETHER });
    for (const [i, sample] of samples.entries())
      onSample(step, sample.text, problems[i] ?? answers[usable.indexOf(sample)]!.text);
  };
}

/** Why a prompt cannot be answered, such as its length: the training is worth more than its sample. */
function problemOf({ spec }: Decoder, ids: readonly number[]): string | null {
  try {
    checkPrompt(spec, ids);
    return null;
  } catch (error) {
    if (error instanceof GraftError) return error.message;
    throw error;
  }
}
