import { partsOfAnswer, type Part, type PartKind } from './answerParts.ts';
import { someWeights, type LabeledTokens, type LabelOptions } from './labels.ts';
import { tokenRange } from './offsets.ts';
import type { RenderedChat } from '../template/renderedChat.ts';
import type { Span } from './spans.ts';
import { IGNORED } from './tokenizedRow.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { endsWithEnd, isEnd } from './turnEnd.ts';

/** A part of a text and the weight of its tokens; 0 is context. Later spans override earlier ones. */
export interface LabeledSpan {
  /** UTF-16 offsets. */
  start: number;
  end: number;
  weight: number;
  /**
   * A turn ends with its end token, and whitespace after that is not trained; a text is trained to its last token. Both
   * get EOS if the text ends without an end token.
   */
  ends: 'turn' | 'text' | 'nothing';
}

/**
 * Encodes a text and labels the tokens of its spans. Special tokens inside the ranges of `plain` (UTF-16) are encoded
 * as text. With `parts`, each token also gets its part kind.
 */
export function encodeWithLabels(
  tokenizer: Tokenizer,
  text: string,
  spans: readonly LabeledSpan[],
  {
    plain = [],
    parts,
  }: { plain?: readonly (readonly [start: number, end: number])[]; parts?: readonly Part[] | null } = {},
): Pick<LabeledTokens, 'ids' | 'labels' | 'weights' | 'parts'> {
  const encoded = tokenizer.encodeWithOffsets(text, { addSpecialTokens: false, plain });
  const ids = [...encoded.ids];
  const counts = new Float64Array(ids.length);
  const length = ids.length;
  let added: number | null = null;
  for (const span of spans) {
    const [start, spanEnd] = tokenRange(encoded, span.start, span.end);
    const end = span.ends === 'turn' ? endOfTurn(tokenizer, ids, start, spanEnd, length) : spanEnd;
    counts.fill(span.weight, start, end ?? spanEnd);
    const isOpen = span.ends === 'text' ? !endsWithEnd(tokenizer, ids.slice(start, spanEnd)) : end === null;
    if (span.ends !== 'nothing' && isOpen && spanEnd === length) added = span.weight;
  }
  const labels = ids.map((id, i) => (counts[i]! > 0 ? id : IGNORED));
  const weights = Array.from(counts, (count) => (count > 0 ? count : 1));
  const kinds = parts && ids.map((): PartKind | null => null);
  for (const { kind, start, end } of parts ?? []) {
    kinds!.fill(kind, ...tokenRange(encoded, start, end));
  }
  const [eos] = tokenizer.eosIds;
  if (added !== null && eos !== undefined) {
    ids.push(eos);
    labels.push(added > 0 ? eos : IGNORED);
    weights.push(added > 0 ? added : 1);
    kinds?.push(null);
  }
  return {
    ids,
    labels,
    ...someWeights(weights),
    ...(kinds && { parts: kinds }),
  };
}

/** The parts of an answer that are not to be trained. */
export function switchedOff(
  rendered: RenderedChat,
  i: number,
  span: Span,
  { trainThoughts = true, trainToolCalls = true }: LabelOptions,
): LabeledSpan[] {
  if (trainThoughts && trainToolCalls) return [];
  return partsOfAnswer(rendered, i, span)
    .filter(({ kind }) => (kind === 'thought' && !trainThoughts) || (kind === 'call' && !trainToolCalls))
    .map(({ start, end }) => ({ start, end, weight: 0, ends: 'nothing' }));
}

/** Index after the end token of the turn ids[start, end); null where it has none. Some templates close the span before it. */
function endOfTurn(
  tokenizer: Tokenizer,
  ids: readonly number[],
  start: number,
  end: number,
  length: number,
): number | null {
  for (let i = end - 1; i >= start; i--) {
    if (isEnd(tokenizer, ids[i]!)) return i + 1;
    if (tokenizer.decode([ids[i]!]).trim() !== '') break;
  }
  return end < length && isEnd(tokenizer, ids[end]!) ? end + 1 : null;
}
