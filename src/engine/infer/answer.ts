import { StreamDecoder } from '../../content/data/tokenizer/tokenizer.ts';
import type { Vocabulary } from '../../content/data/tokenizer/vocabulary.ts';
import type { AdapterUse, Decoder } from '../model/decoder/decoder.ts';
import { generate, type Generated } from './generate.ts';
import type { SamplingOptions } from './sampling.ts';

export { chatPrompt, textPrompt } from '../../content/data/template/prompt.ts';

export interface AnswerOptions extends SamplingOptions {
  maxNewTokens: number;
  seed: number;
  /** Ids that end the text: for a chat answer `stopIds`, for continuing a text the tokenizer's `eosIds`. */
  endIds: readonly number[];
  /** Whether the answer continues the prompt's text, so that its leading space matters. */
  keepLeadingSpace?: boolean;
  /** Called after each token with the text it completes, possibly none; return true to stop. */
  onText?: (piece: string) => boolean | void;
}

/** A generated text. */
export interface Answer {
  text: string;
  tokens: number;
  stoppedBy: Generated['stoppedBy'];
}

/** Continues prompt ids as streamed text until one of `endIds`. Throws what `generate` throws. */
export async function answer(
  decoder: Decoder,
  use: AdapterUse,
  tokenizer: Vocabulary,
  prompt: readonly number[],
  { onText, keepLeadingSpace, ...options }: AnswerOptions,
): Promise<Answer> {
  const decode = new StreamDecoder(tokenizer, { keepLeadingSpace });
  let text = '';
  const give = (piece: string) => {
    text += piece;
    return onText?.(piece);
  };
  const { ids, stoppedBy } = await generate(decoder, use, prompt, {
    ...options,
    onToken: (id) => give(decode.push(id)),
  });
  const rest = decode.flush();
  if (rest !== '') give(rest);
  return { text, tokens: ids.length, stoppedBy };
}
