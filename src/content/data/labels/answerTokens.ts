import { GraftError } from '../../../base/lib/errors.ts';
import { notesOnChat } from '../checks/chatNotes.ts';
import type { NoteCode, RowNotes } from '../checks/rowNotes.ts';
import type { Answered } from '../rows/answers.ts';
import type { Chat } from '../rows/conversation.ts';
import { renderAgain, renderConversation } from '../template/renderedChat.ts';
import { encodesPieces } from '../template/template.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { encodeWithLabels } from './labelSpans.ts';
import type { LabelOptions } from './labels.ts';
import { literalRanges } from './literalTokens.ts';
import { labelTokens } from './mask.ts';
import { commonPrefix } from './spans.ts';
import { IGNORED } from './tokenizedRow.ts';

/** A prompt and its answer as tokens. */
export interface AnswerTokens {
  ids: number[];
  /** Tokens of the prompt, with which `ids` begin; all others are the answer. */
  prompt: number;
  notes?: RowNotes | undefined;
}

/**
 * The tokens of answers to one prompt. As in TRL, an answer begins where its tokens depart from those of the prompt alone,
 * and has all the template writes after that; the answers of a pair begin at the same token. Unlike there, an answer that
 * the template leaves open ends with EOS. Throws `data.answer_weighted`, and as `labelTokens`.
 */
export function answerTokens(
  tokenizer: Tokenizer | null,
  answers: readonly Answered[],
  options: LabelOptions,
): AnswerTokens[] {
  const all = answers.map((answered) => {
    if ('prompt' in answered) {
      return { ids: [...answered.prompt, ...answered.answer], prompt: answered.prompt.length };
    }
    if (!tokenizer) throw new Error('internal: text rows without a tokenizer');
    refuseWeights(answered);
    return tokenizer.chatTemplate === null || encodesPieces(tokenizer)
      ? piecewise(tokenizer, answered, options)
      : rendered(tokenizer, answered, options);
  });
  const prompt = Math.min(...all.map((one) => one.prompt));
  return all.map((one) => ({ ...one, prompt }));
}

function refuseWeights({ messages, firstTrained = 0 }: Chat): void {
  const weight = messages.slice(firstTrained).find((message) => (message.weight ?? 1) !== 1)?.weight;
  if (weight !== undefined) throw new GraftError('data.answer_weighted', { weight });
}

/** With the model's template: compared with the prompt as it is rendered for an answer. */
function rendered(
  tokenizer: Tokenizer,
  chat: Chat,
  { now = new Date(), templateArgs, literalTokens }: LabelOptions,
): AnswerTokens {
  const whole = renderConversation(tokenizer, chat, { now, ...(templateArgs && { templateArgs }) });
  const notes = notesOnChat(whole, literalTokens);
  const { text, messages } = whole;
  const asked = renderAgain(whole, messages.slice(0, chat.firstTrained ?? 0), { addGenerationPrompt: true });
  const plain = literalTokens === 'text' ? literalRanges(whole) : [];
  const span = { start: 0, end: text.length, weight: 1, ends: 'text' } as const;
  const { ids } = encodeWithLabels(tokenizer, text, [span], { plain });
  const shared = commonPrefix(asked, text);
  const ofPrompt = { plain: plain.filter(([, end]) => end <= shared), addSpecialTokens: false };
  const promptIds = tokenizer.encode(asked, ofPrompt);
  return { ids, prompt: commonPrefix(ids, promptIds), notes };
}

/** Without a template, and for Qwen v1's, whose pieces are encoded separately: from the first token that is trained on. */
function piecewise(tokenizer: Tokenizer, chat: Chat, options: LabelOptions): AnswerTokens {
  const { ids, labels, notes } = labelTokens(tokenizer, chat, {
    ...options,
    mask: 'assistant',
    trainThoughts: true,
    trainToolCalls: true,
  });
  const first = labels.findIndex((label) => label !== IGNORED);
  return { ids, prompt: first < 0 ? ids.length : first, notes };
}

/** The notes on the answers of a row, together. */
export function notesOf(answers: readonly AnswerTokens[]): RowNotes | undefined {
  const codes = new Set<NoteCode>(answers.flatMap(({ notes }) => [...(notes?.codes ?? [])]));
  if (codes.size === 0) return undefined;
  const dropped = answers.map(({ notes }) => notes?.droppedThoughtTokens ?? 0);
  return { codes: [...codes], droppedThoughtTokens: Math.max(...dropped) };
}
