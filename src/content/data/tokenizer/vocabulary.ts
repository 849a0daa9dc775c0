import type { Lead } from './pieces.ts';

/** What a model's tokens stand for, with what its files say about special ones. */
export interface Vocabulary {
  /** Text of `ids`; invalid UTF-8 shows as U+FFFD. `skipSpecialTokens` (default false) leaves special tokens out. */
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string;
  /** The bytes a token stands for, or null when this kind of tokenizer can't say. Unknown ids stand for nothing. */
  pieceBytes(id: number): Uint8Array | null;
  /** The token's string in the vocabulary, such as "▁the", "Ġthe" or "</s>". */
  tokenOf(id: number): string | undefined;
  idOf(token: string): number | undefined;
  /** What decoding drops at the beginning, which encoding had put there. */
  readonly lead: Lead;
  /** Where a text begins: the tokenizer's BOS, else the one config.json or generation_config.json names. */
  readonly bosId: number | null;
  /** Tokens that end a generation: the tokenizer's EOS first, then those of generation_config.json and config.json. */
  readonly eosIds: readonly number[];
  readonly padId: number | null;
  /** Ids of added tokens marked special. */
  readonly specialIds: ReadonlySet<number>;
  /** Ids of all added tokens, special or not. */
  readonly addedIds: ReadonlySet<number>;
  /** Largest id + 1. */
  readonly vocabSize: number;
  /** Largest id + 1 of the model's own tokens, without those that were added. */
  readonly baseVocabSize: number;
  readonly chatTemplate: string | null;
  /** The template for conversations with tools, where the model has one of its own; null, or left out, without. */
  readonly toolTemplate?: string | null;
  /** bos_token, eos_token, … as text, for chat templates. */
  readonly specialTokens: Readonly<Record<string, string>>;
}
