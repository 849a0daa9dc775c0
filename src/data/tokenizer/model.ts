/** What turns a word into tokens. */
export interface Model {
  /** Adds the ids of `word` to `ids`, and where each begins and ends in it to `places`, if given. */
  encode(word: string, ids: number[], places: Places | null): void;
  /**
   * Where the model takes words as raw text and writes their bytes itself: the same for a word that was written in
   * bytes already.
   */
  encodeBytes?(word: string, ids: number[], places: Places | null): void;
}

/** Where tokens begin and end in their word, in UTF-16 units. */
export interface Places {
  starts: number[];
  ends: number[];
}

/** A model's vocabulary. */
export interface TokenTable {
  idOf: ReadonlyMap<string, number>;
  /** By id; holes where there is no token. */
  tokens: readonly (string | undefined)[];
  /** How many tokens there are, which the ids of added tokens follow. */
  size: number;
}

/** Reads `model.vocab` of a BPE, WordPiece or WordLevel model: an object of ids. */
export function readVocabulary(vocab: unknown): TokenTable {
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab))
    throw new Error('model.vocab is not an object');
  const entries = vocab as Record<string, unknown>;
  const idOf = new Map<string, number>();
  const keys = Object.keys(entries);
  const tokens = new Array<string | undefined>(keys.length);
  for (const token of keys) {
    const id = entries[token] as number;
    if (!Number.isInteger(id) || id < 0 || id > MAX_ID)
      throw new Error(`model.vocab: ${JSON.stringify(token)} has no id`);
    const other = tokens[id];
    if (other !== undefined) {
      throw new Error(
        `model.vocab: ${JSON.stringify(other)} and ${JSON.stringify(token)} have the same id ${id}`,
      );
    }
    idOf.set(token, id);
    tokens[id] = token;
  }
  return { idOf, tokens, size: idOf.size };
}

/** Larger ids would need tables of gigabytes; the largest vocabularies have some 260,000 tokens. */
const MAX_ID = 1 << 26;
