import { GraftError } from '../lib/errors.ts';
import { clip } from './safetensorsHeader.ts';

/** Where a pattern comes from, for errors. */
export interface PatternOrigin {
  file: string;
  field: 'rank_pattern' | 'alpha_pattern';
}

/** Above these, a pattern could keep the matcher busy for longer than a person would wait. */
const most = { repeats: 3, choices: 4, alternatives: 128, patternLength: 500, moduleLength: 128 };

/**
 * The value a `rank_pattern` or `alpha_pattern` gives to `module`, or `fallback`: the first key that matches the whole
 * name or its end after a dot, as a regular expression (peft, `get_pattern_key`). Adapters come from strangers, so
 * patterns that could run for ages (repeated groups, many choices, huge names) throw `formats.adapter_pattern`.
 */
export function valueByPattern(
  patterns: Record<string, number> | null | undefined,
  module: string,
  fallback: number,
  origin: PatternOrigin,
): number {
  for (const [key, value] of Object.entries(patterns ?? {})) {
    if (key === module) return value;
    if (compile(key, module, origin).test(module)) return value;
  }
  return fallback;
}

function compile(key: string, module: string, origin: PatternOrigin): RegExp {
  const fail = (problem: string, cause?: unknown): never => {
    throw new GraftError('formats.adapter_pattern', { ...origin, pattern: clip(key), problem }, { cause });
  };
  if (key.length > most.patternLength) fail('it is too long');
  // What is left of "(", "|", "?", "*", "+", "{" once escapes and classes are out of the way is structure.
  const structure = key
    .replace(/\\./g, 'x')
    .replace(/\[[^\]]*\]/g, 'x')
    .replaceAll('(?', '(');
  const count = (pattern: RegExp): number => structure.match(pattern)?.length ?? 0;
  if (/\)[*+{]/.test(structure)) fail('a group in it is repeated');
  const repeats = count(/[*+{]/g);
  const choices = repeats + count(/[(?]/g);
  if (repeats > most.repeats || choices > most.choices || count(/\|/g) > most.alternatives) {
    fail('it has too many repeats or groups');
  }
  if (choices > 0 && module.length > most.moduleLength) fail('the module’s name is too long for it');
  try {
    return new RegExp(`^(.*\\.)?(${key})$`);
  } catch (cause) {
    return fail('it is not a regular expression', cause);
  }
}
