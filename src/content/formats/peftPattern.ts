import { GraftError } from '../../base/lib/errors.ts';
import { compilePythonRegex, RegexError, regexProblems, type PythonRegex } from './pythonRegex.ts';
import { clip } from './safetensorsHeader.ts';

/** Where a pattern comes from, for errors. */
export interface PatternOrigin {
  file: string;
  field: 'rank_pattern' | 'alpha_pattern';
}

/**
 * The value a `rank_pattern` or `alpha_pattern` gives to `module`, or `fallback`: the first key that matches the whole
 * name or its end after a dot, as a regular expression (peft, `get_pattern_key`). Throws `formats.adapter_pattern`.
 */
export function valueByPattern(
  patterns: Record<string, number> | null | undefined,
  module: string,
  fallback: number,
  origin: PatternOrigin,
): number {
  for (const [key, value] of Object.entries(patterns ?? {})) {
    if (key === module) return value;
    if (compile(key, origin).fullmatch(module)) return value;
  }
  return fallback;
}

function compile(key: string, origin: PatternOrigin): PythonRegex {
  try {
    return compilePythonRegex(`(?:.*\\.)?(?:${key})`);
  } catch (cause) {
    if (!(cause instanceof RegexError)) throw cause;
    const problem = regexProblems[cause.reason];
    throw new GraftError('formats.adapter_pattern', { ...origin, pattern: clip(key), problem }, { cause });
  }
}
