import { GraftError } from '../../../base/lib/errors.ts';

/** A piece of a SentencePiece vocabulary; its types are those of `tokenTypes`. */
export interface Piece {
  piece: string;
  score: number;
  type: number;
}

/** What tokenizer.model holds, as far as GGUF has it. */
export interface SentencePiece {
  pieces: Piece[];
  /** Whether texts begin with a space. */
  addPrefix: boolean;
}

/**
 * Reads tokenizer.model, a protocol buffer (SentencePiece's `sentencepiece_model.proto`): pieces (field 1: text, score, type)
 * and `add_dummy_prefix` of the normalizer (field 3, in it field 3). Throws `formats.sentencepiece`.
 */
export function parseSentencePiece(bytes: Uint8Array): SentencePiece {
  const pieces: Piece[] = [];
  let addPrefix = true;
  for (const { field, bytes: content } of fieldsOf(bytes)) {
    if (field === 1 && content) pieces.push(pieceOf(content));
    if (field === 3 && content) {
      for (const { field: inner, value } of fieldsOf(content)) if (inner === 3) addPrefix = value !== 0;
    }
  }
  if (pieces.length === 0) throw invalid('it has no pieces');
  return { pieces, addPrefix };
}

function pieceOf(bytes: Uint8Array): Piece {
  const found: Piece = { piece: '', score: 0, type: 1 };
  for (const { field, bytes: content, value } of fieldsOf(bytes)) {
    if (field === 1 && content) found.piece = new TextDecoder().decode(content);
    if (field === 2) found.score = value;
    if (field === 3) found.type = value;
  }
  return found;
}

/** The fields of a message: numbers as `value`, texts and messages as `bytes`. */
function* fieldsOf(bytes: Uint8Array): Generator<{ field: number; value: number; bytes: Uint8Array | null }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): number => {
    for (let [value, factor] = [0, 1]; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || factor > 2 ** 49) throw invalid('it ends within a number');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.byteLength) {
    const tag = varint();
    const [field, wire] = [Math.floor(tag / 8), tag % 8];
    if (wire === 0) {
      yield { field, value: varint(), bytes: null };
      continue;
    }
    const length = wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? varint() : -1;
    if (length < 0 || at + length > bytes.byteLength) throw invalid('it ends within a field');
    const value = wire === 5 ? view.getFloat32(at, true) : 0;
    yield { field, value, bytes: wire === 2 ? bytes.subarray(at, at + length) : null };
    at += length;
  }
}

function invalid(detail: string): GraftError {
  return new GraftError('formats.sentencepiece', { detail });
}
