import { expect, it } from 'vitest';
import { emptyTryout } from './state/tryout.ts';
import { emptyMix, isUsable, mixables, mixOf, mixRules, settingsOf, type MixDraft } from './mix.ts';

const shelf = ['a', 'b'].map((id) => ({ id, name: `adapter ${id}`, rank: 4, modules: 2, warnings: [] }));
const texts = { tuned: 'tuned', step: (name: string, step: number) => `${name} ${step}` };
const checkpoints = [{ run: 'run-1', name: 'a run', step: 12, evalLoss: null, best: false }];
const known = mixables(
  {
    adapter: { origin: 'trained', saved: false, steps: 3, run: null, method: 'lora' },
    shelf,
    tryout: { ...emptyTryout, checkpoints },
  },
  texts,
);
const parts = [
  { key: 'a', weight: '0,7' },
  { key: '12/run-1', weight: '-0.3' },
];
const draft = (fields: Partial<MixDraft>): MixDraft => ({ ...emptyMix, parts, ...fields });

it('offers the shelf, what was trained last, and checkpoints', () => {
  expect([...known.values()]).toEqual([
    { name: 'adapter a', from: { shelved: 'a' } },
    { name: 'adapter b', from: { shelved: 'b' } },
    { name: 'tuned', from: 'result' },
    { name: 'a run 12', from: { run: 'run-1', step: 12 } },
  ]);
  const whole = { origin: 'trained', saved: true, steps: 1, run: null, method: 'full' } as const;
  expect([...mixables({ adapter: whole, shelf: [], tryout: emptyTryout }, texts)]).toEqual([]);
});

it('reads what is typed, and only the settings a rule has', () => {
  expect(mixOf(draft({ rule: 'ties', density: '0.2', rank: 'none', seed: '' }), known)).toEqual({
    adapters: [
      { name: 'adapter a', from: { shelved: 'a' }, weight: 0.7 },
      { name: 'a run 12', from: { run: 'run-1', step: 12 }, weight: -0.3 },
    ],
    rule: 'ties',
    density: 0.2,
    rank: null,
    majority: 'total',
    seed: 0,
  });
  expect(mixOf(draft({ rule: 'dare_ties_svd', rank: '8', seed: '7' }), known)).toMatchObject({
    rank: 8,
    seed: 7,
  });
  expect(mixRules.filter((rule) => settingsOf(rule).density)).toHaveLength(8);
});

it.each([
  ['no second adapter', { parts: parts.slice(1) }],
  ['an adapter that is gone', { parts: [...parts, { key: 'c', weight: '1' }] }],
  ['a weight that is no number', { parts: [parts[0]!, { key: 'b', weight: '' }] }],
  ['a density of 0', { rule: 'ties', density: '0' }],
  ['a rank that is no whole number', { rank: '2.5' }],
  ['a seed below 0', { rule: 'dare_linear', seed: '-1' }],
] as [string, Partial<MixDraft>][])('is not ready with %s', (_, fields) => {
  expect(mixOf(draft(fields), known)).toBeNull();
});

it('says which field is wrong', () => {
  const wrong = draft({ rank: '0' });
  expect(isUsable(wrong, 'rank')).toBe(false);
  expect(isUsable(wrong, 'density')).toBe(true);
  expect(isUsable(wrong, { weightOf: 'a' })).toBe(true);
});
