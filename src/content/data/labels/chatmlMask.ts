import { GraftError } from '../../../base/lib/errors.ts';
import { chatmlPieces, IM_END, IM_START, type ChatmlPiece } from '../template/chatml.ts';
import type { Chat } from '../rows/conversation.ts';
import { encodeWithLabels, type LabeledSpan } from './labelSpans.ts';
import { literalRanges } from './literalTokens.ts';
import { someWeights, wantedAnswers, type LabeledTokens, type LabelOptions } from './labels.ts';
import { switchedOff } from './labelSpans.ts';
import type { RenderedChat } from '../template/renderedChat.ts';
import { encodesPieces } from '../template/template.ts';
import { IGNORED } from './tokenizedRow.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/**
 * Encodes a conversation in ChatML with labels. The mask `chatml` follows Qwen v1's finetune.py: it trains the
 * assistant's content, and the `<|im_start|>`, `<|im_end|>` and final line break of every turn, so that a base model
 * learns the format; it does not train roles and other content. The other masks behave as usual. Answers before message
 * `firstTrained` are context; answers that the template rewrites are left untrained and counted. Throws
 * `data.no_chatml`, `data.not_chatml`, `data.answer_not_found`.
 */
export function labelChatml(rendered: RenderedChat, options: LabelOptions): LabeledTokens {
  const { tokenizer, messages, chat, text } = rendered;
  const { mask } = options;
  if (mask === 'chatml') checkChatml(tokenizer);
  const pieces = chatmlPieces(text, messages);
  if (!pieces) throw new GraftError('data.not_chatml');

  const wanted = wantedAnswers(chat, mask);
  const unchanged = new Set(wanted.filter((answer) => isUnchanged(pieces, answer, chat)));
  if (mask !== 'all' && wanted.length > 0 && unchanged.size === 0)
    throw new GraftError('data.answer_not_found');
  const spans: LabeledSpan[] = [];
  let at = 0;
  for (const { part, text: piece, answer } of pieces) {
    const span = { start: at, end: (at += piece.length) };
    const own = answer === null ? 1 : (chat.messages[answer]!.weight ?? 1);
    const isFrame = part === 'start' || part === 'end' || part === 'line';
    const isAnswer = answer !== null && unchanged.has(answer) && (part === 'content' || part === 'end');
    if (mask !== 'all' && !isAnswer && !(mask === 'chatml' && isFrame)) continue;
    spans.push({ ...span, weight: isAnswer || mask === 'all' ? own : 1, ends: 'nothing' });
    if (isAnswer && part === 'content') spans.push(...switchedOff(rendered, answer, span, options));
  }
  const encoded = encodesPieces(tokenizer)
    ? encodePieces(tokenizer, pieces, spans)
    : encodeWithLabels(tokenizer, text, spans, {
        plain: options.literalTokens === 'text' ? literalRanges(rendered) : [],
      });
  return { ...encoded, skippedTurns: mask === 'all' ? 0 : wanted.length - unchanged.size };
}

/**
 * Checks that the tokenizer has the tokens that the mask `chatml` needs. Throws `data.no_chatml` naming the missing
 * one.
 */
export function checkChatml(tokenizer: Tokenizer): void {
  const token = [IM_START, IM_END].find((name) => tokenizer.idOf(name) === undefined);
  const missing =
    token === undefined ? (tokenizer.chatTemplate === null ? 'chat template' : null) : `token ${token}`;
  if (missing !== null) throw new GraftError('data.no_chatml', { missing });
}

/** Whether the template renders an answer unchanged; it may add to it (an empty thought, calls). */
function isUnchanged(pieces: readonly ChatmlPiece[], answer: number, { messages }: Chat): boolean {
  const shown = pieces.find((piece) => piece.answer === answer && piece.part === 'content')?.text ?? '';
  const { content, calls } = messages[answer]!;
  return calls ? shown.includes(content.trim()) : shown.trimEnd().endsWith(content.trim());
}

/** Qwen v1 encodes the pieces separately, so the labels follow from the pieces. */
function encodePieces(
  tokenizer: Tokenizer,
  pieces: readonly ChatmlPiece[],
  spans: readonly LabeledSpan[],
): Pick<LabeledTokens, 'ids' | 'labels' | 'weights'> {
  const ids: number[] = [];
  const labels: number[] = [];
  const weights: number[] = [];
  let at = 0;
  for (const { text } of pieces) {
    const weight = spans.findLast(({ start, end }) => start <= at && at + text.length <= end)?.weight ?? 0;
    for (const id of tokenizer.encode(text, { addSpecialTokens: false })) {
      ids.push(id);
      labels.push(weight > 0 ? id : IGNORED);
      weights.push(weight > 0 ? weight : 1);
    }
    at += text.length;
  }
  return { ids, labels, ...someWeights(weights) };
}
