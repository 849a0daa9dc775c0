import type { Part, PartKind } from './answerParts.ts';
import { someWeights, type LabeledTokens } from './labels.ts';
import { tokenRange } from './offsets.ts';
import { IGNORED } from './tokenizedRow.ts';
import type { Tokenizer } from './tokenizer.ts';
import { endsWithEnd, isEnd } from './turnEnd.ts';

/** A part of a text and how its tokens count: 0 is context. Later spans overrule earlier ones. */
export interface LabeledSpan {
  /** UTF-16 offsets. */
  start: number;
  end: number;
  weight: number;
  /**
   * What ends it: a turn ends with its end token, white space after that is not trained; a text is trained to its last
   * token. Both get EOS where the text ends without an end token.
   */
  ends: 'turn' | 'text' | 'nothing';
}

/**
 * Encodes a text and labels the tokens of its spans. Special tokens inside the ranges of `plain` (UTF-16) are encoded
 * as text. With `parts`, each token says of which it is.
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
    ...{ ids, labels },
    ...someWeights(weights),
    ...(kinds && { parts: kinds }),
  };
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
