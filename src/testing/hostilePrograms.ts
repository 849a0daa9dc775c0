/** Templates and tokenizers that take all they are given, for tests: how each ends, and with what. */
import type { ErrorCode } from '../base/lib/errors.ts';
import type { TokenizerFiles } from '../content/data/tokenizer/tokenizerFiles.ts';

/** A program that has to be ended. */
export interface HostileProgram {
  name: string;
  /** The template's source, or what is changed in tokenizer.json. */
  template?: string;
  tokenizer?: Readonly<Record<string, unknown>>;
  /** JSON of its normalizer, where it is nested too deep to be made from a value. */
  normalizer?: string;
  /** The user message; by default `Hi`. */
  text?: string;
  code: ErrorCode;
  /** Part of the error's detail: the limit that ends it. */
  detail?: string;
}

/** A tokenizer's files, changed to be hostile. */
export function hostileFiles(files: TokenizerFiles, program: HostileProgram): TokenizerFiles {
  const { template: chatTemplate = null, tokenizer, normalizer } = program;
  const changed = JSON.stringify({ ...(JSON.parse(String(files.json)) as object), ...tokenizer });
  // Of two keys the last counts.
  const json = normalizer === undefined ? changed : `${changed.slice(0, -1)},"normalizer":${normalizer}}`;
  return { ...files, json, chatTemplate };
}
