import type { Fields } from './fields.ts';
import type { Model, WordOffsets, TokenTable } from './model.ts';
import { unitsAt } from './trackedText.ts';

/** Builds a WordLevel model: a word is one token. Throws an Error that names the invalid field. */
export function readWordLevel(fields: Fields, { idOf }: TokenTable): Model {
  const unk = fields.string('unk_token');
  return {
    encode(word, ids, offsets) {
      put(idOf.get(word) ?? unknown(idOf, unk), 0, word.length, ids, offsets);
    },
  };
}

/** Builds a WordPiece model: longest token first, continuations with a prefix. Throws as above. */
export function readWordPiece(fields: Fields, { idOf }: TokenTable): Model {
  const unk = fields.string('unk_token');
  const prefix = fields.string('continuing_subword_prefix');
  const maxChars = fields.count('max_input_chars_per_word');
  return {
    encode(word, ids, offsets) {
      const pieces: { id: number; start: number; end: number }[] = [];
      let start = Array.from(word).length > maxChars ? -1 : 0;
      while (start >= 0 && start < word.length) {
        let end = word.length;
        let id: number | undefined;
        while (end > start) {
          id = idOf.get((start > 0 ? prefix : '') + word.slice(start, end));
          if (id !== undefined) break;
          end -= end - 2 >= start && unitsAt(word, end - 2) === 2 ? 2 : 1;
        }
        if (id === undefined) start = -1;
        else {
          pieces.push({ id, start, end });
          start = end;
        }
      }
      if (start === -1) return put(unknown(idOf, unk), 0, word.length, ids, offsets);
      for (const piece of pieces) put(piece.id, piece.start, piece.end, ids, offsets);
    },
  };
}

function unknown(idOf: ReadonlyMap<string, number>, token: string): number {
  const id = idOf.get(token);
  if (id === undefined) throw new Error(`model.unk_token ${token} is not in model.vocab`);
  return id;
}

function put(id: number, start: number, end: number, ids: number[], offsets: WordOffsets | null): void {
  ids.push(id);
  offsets?.starts.push(start);
  offsets?.ends.push(end);
}
