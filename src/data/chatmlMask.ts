import { GraftError } from '../lib/errors.ts';
import { chatmlPieces, IM_END, IM_START, type ChatmlPiece } from './chatml.ts';
import type { Message } from './conversation.ts';
import type { LabeledTokens, MaskOptions } from './mask.ts';
import { tokenEnds, tokenRange } from './offsets.ts';
import { encodesPieces, renderChat } from './template.ts';
import { IGNORED } from './tokenizedRow.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * Encodes a conversation in ChatML with labels. The mask `chatml` is the rule of Qwen v1's finetune.py: trained are
 * what the assistant says, and of every turn `<|im_start|>`, `<|im_end|>` and the line break at the end, so that a base
 * model learns the format; not the roles and what others say. The other masks train what they do everywhere. Answers
 * before message `firstTrained` are context; those the template rewrites are left untrained and counted.
 * Throws `data.no_chatml`, `data.not_chatml`, `data.answer_not_found`, `data.template_*`.
 */
export function labelChatml(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  firstTrained: number,
  { mask, now }: MaskOptions,
): LabeledTokens {
  if (mask === 'chatml') checkChatml(tokenizer);
  const text = renderChat(tokenizer, messages, { now });
  const pieces = chatmlPieces(text, messages);
  if (!pieces) throw new GraftError('data.not_chatml');

  const last = messages.findLastIndex(({ role }) => role === 'assistant');
  const wanted = messages.flatMap(({ role }, i) =>
    role === 'assistant' && i >= firstTrained && (mask !== 'last' || i === last) ? [i] : [],
  );
  const kept = new Set(wanted.filter((answer) => isKept(pieces, answer, messages)));
  if (mask !== 'all' && wanted.length > 0 && kept.size === 0) throw new GraftError('data.answer_not_found');
  const isTrained = ({ part, answer }: ChatmlPiece) => {
    if (mask === 'all') return true;
    const isFrame = part === 'start' || part === 'end' || part === 'line';
    if (mask === 'chatml' && isFrame) return true;
    return answer !== null && kept.has(answer) && (part === 'content' || part === 'end');
  };
  const encode = encodesPieces(tokenizer) ? encodePieces : encodeWhole;
  return {
    ...encode(tokenizer, text, pieces, isTrained),
    skippedTurns: mask === 'all' ? 0 : wanted.length - kept.size,
  };
}

/** Checks that the tokenizer has what the mask `chatml` is about. Throws `data.no_chatml` naming what is missing. */
export function checkChatml(tokenizer: Tokenizer): void {
  const token = [IM_START, IM_END].find((name) => tokenizer.idOf(name) === undefined);
  const missing =
    token === undefined ? (tokenizer.chatTemplate === null ? 'chat template' : null) : `token ${token}`;
  if (missing !== null) throw new GraftError('data.no_chatml', { missing });
}

/** An answer the template shows as it was written; what it puts in front (an empty thought) may come on top. */
function isKept(pieces: readonly ChatmlPiece[], answer: number, messages: readonly Message[]): boolean {
  const shown = pieces.find((piece) => piece.answer === answer && piece.part === 'content')?.text ?? '';
  return shown.trimEnd().endsWith(messages[answer]?.content.trim() ?? '');
}

type Encoded = Pick<LabeledTokens, 'ids' | 'labels'>;
type Encode = (
  tokenizer: Tokenizer,
  text: string,
  pieces: readonly ChatmlPiece[],
  isTrained: (piece: ChatmlPiece) => boolean,
) => Encoded;

const encodePieces: Encode = (tokenizer, _, pieces, isTrained) => {
  const ids: number[] = [];
  const labels: number[] = [];
  for (const piece of pieces) {
    const trained = isTrained(piece);
    for (const id of tokenizer.encode(piece.text, { addSpecialTokens: false })) {
      ids.push(id);
      labels.push(trained ? id : IGNORED);
    }
  }
  return { ids, labels };
};

/** For models whose conversations are encoded in one go: a token over a border is trained if either side is. */
const encodeWhole: Encode = (tokenizer, text, pieces, isTrained) => {
  const ids = tokenizer.encode(text, { addSpecialTokens: false });
  const ends = tokenEnds(tokenizer, text, ids);
  const labels = new Array<number>(ids.length).fill(IGNORED);
  let at = 0;
  for (const piece of pieces) {
    const to = at + piece.text.length;
    if (isTrained(piece)) {
      const [start, end] = tokenRange(tokenizer, text, ids, ends, at, to);
      for (let i = start; i < end; i++) labels[i] = ids[i] as number;
    }
    at = to;
  }
  return { ids, labels };
};
