/** A model that splits a word into tokens. */
export interface Model {
  /** Appends the ids of `word` to `ids`, and their ranges within it to `offsets`, if given. */
  encode(word: string, ids: number[], offsets: WordOffsets | null): void;
  /** For models that take words as raw text and map their bytes themselves; equals `encode` of the mapped word. */
  encodeBytes?(word: string, ids: number[], offsets: WordOffsets | null): void;
}

/** Ranges of tokens in their word, in UTF-16 units. */
export interface WordOffsets {
  starts: number[];
  ends: number[];
}

/** A model's vocabulary. */
export interface TokenTable {
  idOf: ReadonlyMap<string, number>;
  /** By id; sparse where there is no token. */
  tokens: readonly (string | undefined)[];
  /** Number of tokens; the ids of added tokens follow it. */
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
    if (!isTokenId(id)) throw new Error(`model.vocab: ${JSON.stringify(token)} has no id`);
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

/** Whether a value can be the id of a token. */
export function isTokenId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_ID;
}
