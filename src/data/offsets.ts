import type { Tokenizer } from './tokenizer.ts';

const encoder = new TextEncoder();
const SPACE = 0x20;

/**
 * Where each token of `ids` ends in `text`, in UTF-8 bytes, by walking the tokens' bytes along the text; a space that
 * the tokenizer put in front takes no place. Null when the tokens don't spell the text (a normalizer changed it) or
 * the tokenizer has no byte pieces.
 */
export function tokenEnds(tokenizer: Tokenizer, text: string, ids: readonly number[]): Uint32Array | null {
  const bytes = encoder.encode(text);
  const ends = new Uint32Array(ids.length);
  let at = 0;
  for (let i = 0; i < ids.length; i++) {
    const piece = tokenizer.pieceBytes(ids[i] as number);
    if (!piece) return null;
    const skip = startsAt(bytes, at, piece, 0)
      ? 0
      : piece[0] === SPACE && startsAt(bytes, at, piece, 1)
        ? 1
        : -1;
    if (skip < 0) return null;
    at += piece.length - skip;
    ends[i] = at;
  }
  return at === bytes.length ? ends : null;
}

/**
 * The tokens [start, end) of `ids` that hold any character of text[from, to) (UTF-16 offsets). Without byte offsets
 * ({@link tokenEnds}) the text up to each border is encoded and compared.
 */
export function tokenRange(
  tokenizer: Tokenizer,
  text: string,
  ids: readonly number[],
  ends: Uint32Array | null,
  from: number,
  to: number,
): [start: number, end: number] {
  if (!ends) {
    const start = commonPrefix(tokenizer.encode(text.slice(0, from), { addSpecialTokens: false }), ids);
    if (to >= text.length) return [start, ids.length];
    const upTo = tokenizer.encode(text.slice(0, to), { addSpecialTokens: false });
    const common = commonPrefix(upTo, ids);
    // A token that reaches over the border holds the span's last characters too.
    return [start, common < upTo.length ? Math.min(common + 1, ids.length) : common];
  }
  const firstByte = encoder.encode(text.slice(0, from)).length;
  const lastByte = firstByte + encoder.encode(text.slice(from, to)).length;
  let start = 0;
  while (start < ids.length && (ends[start] as number) <= firstByte) start++;
  let end = start;
  while (end < ids.length && (end === 0 ? 0 : (ends[end - 1] as number)) < lastByte) end++;
  return [start, end];
}

function startsAt(bytes: Uint8Array, at: number, piece: Uint8Array, skip: number): boolean {
  if (at + piece.length - skip > bytes.length) return false;
  for (let i = skip; i < piece.length; i++) {
    if (bytes[at + i - skip] !== piece[i]) return false;
  }
  return true;
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
