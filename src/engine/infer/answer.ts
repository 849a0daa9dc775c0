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
  /** How many of the likeliest tokens each token of the answer is compared with; by default it has no `pieces`. */
  alternatives?: number;
  /** Called after each token with the text it completes, possibly none; return true to stop. */
  onText?: (piece: string) => boolean | void;
}

/** A token of an answer, as text. */
export interface AnswerPiece {
  /** What it adds to the text; empty where it has only part of a character. */
  text: string;
  /** The model's probability of it, and the likeliest tokens at its place. */
  p: number;
  likeliest: { text: string; p: number }[];
}

/** A generated text. */
export interface Answer {
  text: string;
  tokens: number;
  stoppedBy: Generated['stoppedBy'];
  /** Its tokens, where `alternatives` are asked for. */
  pieces?: AnswerPiece[];
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
  const pieces: AnswerPiece[] = [];
  const give = (piece: string) => {
    text += piece;
    return onText?.(piece);
  };
  const { ids, stoppedBy } = await generate(decoder, use, prompt, {
    ...options,
    onToken: (id, chances) => {
      const piece = decode.push(id);
      if (chances) {
        const likeliest = chances.likeliest.map((one) => ({ text: tokenText(tokenizer, one.id), p: one.p }));
        pieces.push({ text: piece, p: chances.p, likeliest });
      }
      return give(piece);
    },
  });
  const rest = decode.flush();
  if (rest !== '') give(rest);
  const last = pieces.at(-1);
  if (last) last.text += rest;
  return { text, tokens: ids.length, stoppedBy, ...(pieces.length > 0 && { pieces }) };
}

/** A token by itself: its text, or its name where it is a special one. */
function tokenText(tokenizer: Vocabulary, id: number): string {
  const bytes = tokenizer.specialIds.has(id) ? null : tokenizer.pieceBytes(id);
  return bytes ? new TextDecoder().decode(bytes) : (tokenizer.tokenOf(id) ?? '');
}
