import { BYTE_CHARS } from '../../content/data/tokenizer/pieces.ts';

/** A byte-level BPE vocabulary, in GPT-2's alphabet of bytes. */
export interface Bpe {
  /** [n] tokens by id: the 256 bytes, then one per merge. */
  tokens: string[];
  /** In the order they were learned and are applied. */
  merges: [string, string][];
}

/**
 * How Qwen and similar tokenizers split a text into words, as written in tokenizer.json: tokenizer libraries recognize
 * this pattern; digits are separate.
 */
export const wordPattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** The same in JavaScript, which has supported `(?i:…)` only recently. */
const words =
  /'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu;

interface Word {
  pieces: string[];
  count: number;
}

/**
 * Learns a vocabulary of at most `size` tokens: repeatedly merges the most frequent adjacent pair into a token
 * (Sennrich et al., 2016), as long as it occurs twice. Ties go to the first pair in string order, so that the same
 * texts give the same vocabulary.
 */
export function trainBpe(texts: Iterable<string>, size: number): Bpe {
  const list = countWords(texts);
  const tokens = [...BYTE_CHARS];
  const merges: [string, string][] = [];
  while (tokens.length < size) {
    const best = commonestPair(list);
    if (best === null) break;
    const merged = best[0] + best[1];
    merges.push(best);
    // Two pairs can form the same token, which has one id.
    if (!tokens.includes(merged)) tokens.push(merged);
    for (const word of list) applyMerge(word, best, merged);
  }
  return { tokens, merges };
}

function countWords(texts: Iterable<string>): Word[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [word] of text.matchAll(words)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const encoder = new TextEncoder();
  return [...counts].map(([word, count]) => ({
    pieces: Array.from(encoder.encode(word), (byte) => BYTE_CHARS[byte] as string),
    count,
  }));
}

function commonestPair(list: readonly Word[]): [string, string] | null {
  const counts = new Map<string, number>();
  for (const { pieces, count } of list) {
    for (let i = 0; i + 1 < pieces.length; i++) {
      // A space is not in the alphabet.
      const pair = `${pieces[i]} ${pieces[i + 1]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: string | null = null;
  let most = 1;
  for (const [pair, count] of counts) {
    if (count > most || (count === most && best !== null && pair < best)) [best, most] = [pair, count];
  }
  return best === null ? null : (best.split(' ') as [string, string]);
}

function applyMerge(word: Word, [left, right]: readonly [string, string], merged: string): void {
  const { pieces } = word;
  for (let i = 0; i + 1 < pieces.length; i++) {
    if (pieces[i] === left && pieces[i + 1] === right) pieces.splice(i, 2, merged);
  }
}
