import type { Fields } from './fields.ts';
import type { Model, Places, TokenTable } from './model.ts';
import { unitsAt } from './trackedText.ts';

/** Builds a WordLevel model: a word is one token. Throws an Error that names what is wrong. */
export function readWordLevel(fields: Fields, { idOf }: TokenTable): Model {
  const unk = fields.string('unk_token');
  return {
    encode(word, ids, places) {
      put(idOf.get(word) ?? unknown(idOf, unk), 0, word.length, ids, places);
    },
  };
}

/** Builds a WordPiece model: the longest token first, the later ones with a prefix. Throws as above. */
export function readWordPiece(fields: Fields, { idOf }: TokenTable): Model {
  const unk = fields.string('unk_token');
  const prefix = fields.string('continuing_subword_prefix');
  const maxChars = fields.count('max_input_chars_per_word');
  return {
    encode(word, ids, places) {
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
      if (start === -1) return put(unknown(idOf, unk), 0, word.length, ids, places);
      for (const piece of pieces) put(piece.id, piece.start, piece.end, ids, places);
    },
  };
}

function unknown(idOf: ReadonlyMap<string, number>, token: string): number {
  const id = idOf.get(token);
  if (id === undefined) throw new Error(`model.unk_token ${token} is not in model.vocab`);
  return id;
}

function put(id: number, start: number, end: number, ids: number[], places: Places | null): void {
  ids.push(id);
  places?.starts.push(start);
  places?.ends.push(end);
}
