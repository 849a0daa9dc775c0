import { majorities, mixRules, type MixRule } from '../../hosts/browser/protocol.ts';
import type { Mix, Mixable } from './state/adapter.ts';
import type { Studio } from './state.ts';

export { majorities, mixRules };

/** What is typed into the form of a mix. */
export interface MixDraft {
  /** Keys of what is mixed, with their weights as they are typed. */
  parts: readonly { key: string; weight: string }[];
  rule: MixRule;
  density: string;
  /** Empty for the highest of the adapters. */
  rank: string;
  majority: Mix['majority'];
  seed: string;
}

export const emptyMix: MixDraft = {
  parts: [],
  rule: 'svd',
  density: '0.5',
  rank: '',
  majority: 'total',
  seed: '0',
};

/** Fields that may be typed wrongly. */
export type MixField = 'density' | 'rank' | 'seed' | { weightOf: string };

/** Which settings a rule has. */
export function settingsOf(rule: MixRule) {
  const isPruning = /^(?:ties|dare|magnitude)/.test(rule);
  return {
    density: isPruning,
    rank: rule.endsWith('svd'),
    majority: rule.includes('ties'),
    seed: rule.startsWith('dare'),
  };
}

const numberOf = (text: string): number => (text.trim() === '' ? NaN : Number(text.trim().replace(',', '.')));

/** Whether what is typed into a field of the form can be used. */
export function isUsable(draft: MixDraft, field: MixField): boolean {
  if (typeof field === 'object') {
    const part = draft.parts.find(({ key }) => key === field.weightOf);
    return part !== undefined && Number.isFinite(numberOf(part.weight));
  }
  if (!settingsOf(draft.rule)[field]) return true;
  const value = numberOf(draft[field]);
  switch (field) {
    case 'density':
      return value > 0 && value <= 1;
    case 'rank':
      return draft.rank.trim() === '' || (Number.isInteger(value) && value > 0);
    case 'seed':
      return Number.isInteger(value) && value >= 0 && value < 2 ** 32;
  }
}

/** The mix as it is typed; null while something is missing or wrong. @param known what may be mixed, by key */
export function mixOf(draft: MixDraft, known: ReadonlyMap<string, Mixable>): Mix | null {
  const { parts, rule, majority } = draft;
  const isComplete = parts.length > 1 && parts.every(({ key }) => known.has(key));
  const fields: MixField[] = ['density', 'rank', 'seed', ...parts.map(({ key }) => ({ weightOf: key }))];
  if (!isComplete || !fields.every((field) => isUsable(draft, field))) return null;
  const has = settingsOf(rule);
  return {
    adapters: parts.map(({ key, weight }) => ({ ...known.get(key)!, weight: numberOf(weight) })),
    rule,
    density: has.density ? numberOf(draft.density) : 1,
    rank: has.rank && draft.rank.trim() !== '' ? numberOf(draft.rank) : null,
    majority,
    seed: has.seed ? numberOf(draft.seed) : 0,
  };
}

/**
 * What can be mixed, by key: adapters of the shelf, what was trained last, and checkpoints of stored runs.
 * @param texts how the page calls them
 */
export function mixables(
  { adapter, shelf, tryout }: Pick<Studio, 'adapter' | 'shelf' | 'tryout'>,
  texts: { tuned: string; step: (name: string, step: number) => string },
): Map<string, Mixable> {
  const known = new Map<string, Mixable>();
  for (const { id, name } of shelf) known.set(id, { name, from: { shelved: id } });
  // What was opened and removed from the shelf is still in use.
  if (adapter?.origin === 'opened' && !known.has(adapter.id))
    known.set('result', { name: adapter.name, from: 'result' });
  if (adapter?.origin === 'trained' && adapter.method !== 'full')
    known.set('result', { name: texts.tuned, from: 'result' });
  for (const { run, step, name } of tryout.checkpoints)
    known.set(`${step}/${run}`, { name: texts.step(name, step), from: { run, step } });
  return known;
}
