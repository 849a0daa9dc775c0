import type { EndTokens } from './lint.ts';
import type { Tokenizer } from './tokenizer.ts';

/** What the linter must know of a tokenizer. */
export function endTokensOf({ eosIds, specialIds, padId, tokenOf }: Tokenizer): EndTokens {
  const eos = eosIds[0] === undefined ? '' : (tokenOf(eosIds[0]) ?? String(eosIds[0]));
  return { eosIds, specialIds: [...specialIds], padId, eos };
}
