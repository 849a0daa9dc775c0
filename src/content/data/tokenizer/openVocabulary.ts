import { checkComponents } from './components.ts';
import { readDecoder, type Decoder } from './decoders.ts';
import { maybePart } from './fields.ts';
import { modelOf } from './modelOf.ts';
import { readNormalizer } from './normalizers.ts';
import { TokenList, type NewToken } from './tokenList.ts';

type Json = Readonly<Record<string, unknown>>;

/** A tokenizer.json without the parts that may run long: its tokens, and their decoding. */
export interface OpenVocabulary {
  tokens: TokenList;
  /** Null joins tokens by spaces. */
  decoder: Decoder | null;
}

/**
 * Reads the tokens and the decoder of a tokenizer.json without running its patterns: a decoder with one is omitted.
 * Throws an Error that names the component and field.
 */
export function openVocabulary(json: Json, extra: readonly NewToken[]): OpenVocabulary {
  checkComponents(json);
  const { table } = modelOf(json);
  const normalizer = maybePart(json, 'normalizer', readNormalizer);
  const tokens = new TokenList(json, table, normalizer?.hasPattern ? null : normalizer, extra);
  const decoder = hasRegex(json.decoder) ? null : maybePart(json, 'decoder', readDecoder);
  return { tokens, decoder };
}

function hasRegex(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(
    ([key, inner]) => (key === 'Regex' && typeof inner === 'string') || hasRegex(inner),
  );
}
