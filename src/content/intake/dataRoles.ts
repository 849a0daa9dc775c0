import type { DataRole } from './items.ts';

const ROLES: Record<string, DataRole> = {
  train: 'train',
  training: 'train',
  valid: 'validation',
  validation: 'validation',
  val: 'validation',
  dev: 'validation',
  eval: 'validation',
  test: 'test',
  testing: 'test',
};

/** The part that a data file is by its name or its folder's: `train.jsonl`, `my-data_valid-00000-of-00002.parquet`. */
export function roleOf(path: string): DataRole | null {
  const parts = path.toLowerCase().split('/').reverse();
  for (const part of parts.slice(0, 2)) {
    const words = part.split(/[^a-z]+/);
    const roles = new Set(words.flatMap((word) => (Object.hasOwn(ROLES, word) ? [ROLES[word]!] : [])));
    if (roles.size === 1) return [...roles][0]!;
  }
  return null;
}
