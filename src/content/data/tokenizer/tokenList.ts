import { untrusted } from '../template/untrusted.ts';
import type { AddedToken } from './addedTokens.ts';
import { Fields } from './fields.ts';
import { withGrowth } from './growth.ts';
import type { TokenTable } from './model.ts';
import type { Normalizer } from './normalizers.ts';

type Json = Readonly<Record<string, unknown>>;

/** The tokens of a tokenizer: the model's and the added ones. */
export class TokenList {
  readonly added = new Map<number, AddedToken>();
  private readonly addedIds = new Map<string, number>();

  /**
   * @param normalizer normalizes the added tokens that request it
   * @param extra tokens added by other files
   */
  constructor(
    json: Json,
    readonly table: TokenTable,
    private readonly normalizer: Normalizer | null,
    extra: readonly NewToken[],
  ) {
    const list = json.added_tokens ?? [];
    if (!Array.isArray(list)) throw new Error('added_tokens is not a list');
    const own = list.map((entry, i) => readAddedToken(Fields.of(entry, `added_tokens[${i}]`)));
    const length = [...own, ...extra].reduce((sum, { content }) => sum + content.length, 0);
    withGrowth(length, () => {
      this.add(own);
      this.add(extra);
    });
  }

  /** Adds tokens. Ids are assigned by text, as in Rust's library: those in the file are only expectations. */
  private add(tokens: readonly NewToken[]): void {
    const { size } = this.table;
    let next = size;
    for (const id of this.added.keys()) if (size === 0 || id >= size) next = Math.max(next, id + 1);
    for (const token of tokens) {
      if (token.content === '') continue;
      const id = this.idOf(token.content) ?? next++;
      const pattern = token.normalized ? this.normalize(token.content) : token.content;
      this.addedIds.set(token.content, id);
      this.added.set(id, { ...token, id, pattern });
    }
  }

  private normalize(text: string): string {
    const { normalizer } = this;
    if (!normalizer?.hasPattern) return normalizer?.plain(text) ?? text;
    return untrusted('tokenizer', text.length, () => normalizer.plain(text));
  }

  idOf(token: string): number | undefined {
    return this.addedIds.get(token) ?? this.table.idOf.get(token);
  }

  /** A token's text; normalized for an added token. */
  textOf(id: number): string | undefined {
    return this.added.get(id)?.pattern ?? this.table.tokens[id];
  }

  /** A token as the vocabulary spells it. */
  tokenOf(id: number): string | undefined {
    return this.added.get(id)?.content ?? this.table.tokens[id];
  }

  /** Largest id + 1 of the model's own tokens, and of all tokens. */
  get modelSize(): number {
    return this.table.tokens.length;
  }

  get size(): number {
    let size = this.modelSize;
    for (const id of this.added.keys()) size = Math.max(size, id + 1);
    return size;
  }
}

/** An added token before it has an id. */
export type NewToken = Omit<AddedToken, 'id' | 'pattern'>;

function readAddedToken(fields: Fields): NewToken {
  const is = (name: string) => fields.boolean(name);
  return {
    content: fields.string('content'),
    singleWord: is('single_word'),
    lstrip: is('lstrip'),
    rstrip: is('rstrip'),
    normalized: is('normalized'),
    special: is('special'),
  };
}
