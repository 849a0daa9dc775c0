import { streamedText } from '../../../content/data/tokenizer/streamDecoder.ts';
import type { Vocabulary } from '../../../content/data/tokenizer/vocabulary.ts';
import type { AdapterUse, Decoder } from '../../model/decoder/decoder.ts';
import type { ModelFiles } from '../../model/spec/openModel.ts';
import type { Answer } from '../answer.ts';
import type { SamplingOptions } from '../sampling.ts';
import { planBatch, type PlannedBatch } from './batchPlan.ts';
import { generateBatch, isGreedy, scheduledTexts } from './generateBatch.ts';

/** A prompt, and what ends its answer. */
export interface AskedBatch {
  ids: readonly number[];
  endIds: readonly number[];
}

export interface AnswerBatchOptions extends SamplingOptions, Pick<PlannedBatch, 'sequences' | 'budget'> {
  maxNewTokens: number;
  /** Of each prompt's own generator. */
  seed: number;
  /** Called when an answer has ended. */
  onAnswer?: (prompt: number, answer: Answer) => void;
  /** Asked between steps; all answers end as they are. */
  shouldStop?: () => boolean;
}

/**
 * Answers many prompts together, each as `answer` does: greedy ones with the same tokens. As many decode at once as the
 * budget has room for. Prompts that nobody began to answer when it was stopped have none. Throws `infer.empty_prompt`,
 * `infer.prompt_too_long` before any is answered.
 */
export async function answerBatch(
  decoder: Decoder,
  use: AdapterUse,
  { files, tokenizer }: { files: ModelFiles; tokenizer: Vocabulary },
  prompts: readonly AskedBatch[],
  { sequences, budget, onAnswer, shouldStop, ...sampling }: AnswerBatchOptions,
): Promise<(Answer | null)[]> {
  const answers = prompts.map((): Answer | null => null);
  if (prompts.length === 0) return answers;
  const requests = prompts.map(({ ids, endIds }) => ({ ...sampling, prompt: ids, endIds }));
  const plan = await planBatch(files, decoder.type, decoder.gpu, {
    texts: scheduledTexts(decoder, requests),
    sampled: !isGreedy(sampling),
    ...(sequences !== undefined && { sequences }),
    ...(budget !== undefined && { budget }),
  });
  await generateBatch(decoder, use, requests, {
    plan,
    onDone(i, { ids, stoppedBy }) {
      const answer = { text: streamedText(tokenizer, ids), tokens: ids.length, stoppedBy };
      answers[i] = answer;
      onAnswer?.(i, answer);
    },
    ...(shouldStop && { shouldStop }),
  });
  return answers;
}
