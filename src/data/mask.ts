import { labelChatml } from './chatmlMask.ts';
import type { Conversation, Message } from './conversation.ts';
import { tokenEnds, tokenRange } from './offsets.ts';
import { plainPieces, startIds } from './plainTemplate.ts';
import { findAnswers } from './spans.ts';
import { encodesPieces, renderChat } from './template.ts';
import { IGNORED } from './tokenizedRow.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * Which tokens are trained: the assistant's answers with their end tokens, every token, the last answer only, or as
 * Qwen v1 does ({@link labelChatml}).
 */
export type LabelMask = 'assistant' | 'all' | 'last' | 'chatml';

/** Token ids of a row and their labels: `labels[i]` is `ids[i]` or −100, as in transformers (the shift comes later). */
export interface LabeledTokens {
  ids: number[];
  labels: number[];
  /** Aligned with labels: what the loss of each counts, ≥ 0; absent where each counts 1. */
  weights?: number[];
  /** Answers left untrained because the template rewrites them (see {@link findAnswers}). */
  skippedTurns: number;
}

export interface MaskOptions {
  mask: LabelMask;
  /** The date templates see; default today. */
  now?: Date;
}

/**
 * Encodes a conversation with labels. A prompt with a completion is a conversation of one turn; a text is trained
 * whole, with BOS and EOS. Every trained answer ends with an end token: where the template writes none, EOS is added.
 * Throws `data.template_*`, `data.answer_not_found`, and for the mask `chatml` `data.no_chatml`, `data.not_chatml`.
 */
export function labelTokens(
  tokenizer: Tokenizer,
  conversation: Exclude<Conversation, { inputIds: number[] }>,
  options: MaskOptions,
): LabeledTokens {
  if ('text' in conversation) {
    const ids = [...startIds(tokenizer), ...tokenizer.encode(conversation.text, { addSpecialTokens: false })];
    if (ids.length > 0) ids.push(...tokenizer.eosIds.slice(0, 1));
    return { ids, labels: [...ids], skippedTurns: 0 };
  }
  const { messages, firstTrained = 0 } = 'messages' in conversation ? conversation : turnsOf(conversation);
  if (options.mask === 'chatml' || encodesPieces(tokenizer)) {
    return labelChatml(tokenizer, messages, firstTrained, options);
  }
  return tokenizer.chatTemplate === null
    ? labelPlain(tokenizer, messages, firstTrained, options)
    : labelRendered(tokenizer, messages, firstTrained, options);
}

function turnsOf({ prompt, completion }: { prompt: string; completion: string }): {
  messages: Message[];
  firstTrained?: number;
} {
  const answer: Message = { role: 'assistant', content: completion };
  return { messages: prompt === '' ? [answer] : [{ role: 'user', content: prompt }, answer] };
}

/** The plain format: pieces are encoded apart, so the labels follow from the pieces. */
function labelPlain(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  firstTrained: number,
  { mask }: MaskOptions,
): LabeledTokens {
  const ids = startIds(tokenizer);
  const labels = ids.map((id) => (mask === 'all' ? id : IGNORED));
  const lastAnswer = messages.findLastIndex(({ role }) => role === 'assistant');
  for (const { text, answer } of plainPieces(messages)) {
    const piece = tokenizer.encode(text, { addSpecialTokens: false });
    if (answer !== null) piece.push(...tokenizer.eosIds.slice(0, 1));
    const isTrained = answer !== null && answer >= firstTrained && (mask !== 'last' || answer === lastAnswer);
    for (const id of piece) {
      ids.push(id);
      labels.push(mask === 'all' || isTrained ? id : IGNORED);
    }
  }
  return { ids, labels, skippedTurns: 0 };
}

/** The model's own template: spans of characters found from the template, then of tokens. */
function labelRendered(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  firstTrained: number,
  { mask, now = new Date() }: MaskOptions,
): LabeledTokens {
  const text = renderChat(tokenizer, messages, { now });
  const ids = tokenizer.encode(text, { addSpecialTokens: false });
  if (mask === 'all') {
    if (endOfTurn(tokenizer, ids, 0, ids.length) === null) ids.push(...tokenizer.eosIds.slice(0, 1));
    return { ids, labels: [...ids], skippedTurns: 0 };
  }

  const { spans, skipped } = findAnswers(tokenizer, messages, text, {
    firstTrained,
    lastOnly: mask === 'last',
    now,
  });
  const ends = tokenEnds(tokenizer, text, ids);
  const labels = new Array<number>(ids.length).fill(IGNORED);
  for (const span of spans) {
    const [start, spanEnd] = tokenRange(tokenizer, text, ids, ends, span.start, span.end);
    let end = endOfTurn(tokenizer, ids, start, spanEnd);
    // Some templates close the span before the end token.
    if (end === null && isEndToken(tokenizer, ids[spanEnd])) end = spanEnd + 1;
    for (let i = start; i < (end ?? spanEnd); i++) labels[i] = ids[i] as number;
    if (end === null && spanEnd === ids.length) {
      for (const eos of tokenizer.eosIds.slice(0, 1)) {
        ids.push(eos);
        labels.push(eos);
      }
    }
  }
  return { ids, labels, skippedTurns: skipped };
}

/** Index after the last end token of ids[start, end) that only white space follows; null without one. */
function endOfTurn(tokenizer: Tokenizer, ids: readonly number[], start: number, end: number): number | null {
  for (let i = end - 1; i >= start; i--) {
    if (isEndToken(tokenizer, ids[i])) return i + 1;
    if (tokenizer.decode([ids[i] as number]).trim() !== '') return null;
  }
  return null;
}

/** The turn's end is a special token: the tokenizer's EOS, or one such as `<|eot_id|>` that only the template knows. */
function isEndToken(tokenizer: Tokenizer, id: number | undefined): boolean {
  return id !== undefined && (tokenizer.specialIds.has(id) || tokenizer.eosIds.includes(id));
}
