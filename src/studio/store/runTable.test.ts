import { describe, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import type { RunEntry } from '../../hosts/browser/protocol.ts';
import { runColumns, sortedRuns, type RunHead, type RunOrder } from './runTable.ts';

interface Facts {
  model?: string;
  data?: string;
  loss?: number | null;
  evalLoss?: number | null;
  recipe?: Partial<Recipe>;
}

function head(name: string, { model = 'm', data = 'd', loss = 1, evalLoss = null, recipe }: Facts): RunHead {
  return {
    name,
    note: '',
    tags: [],
    createdAt: 1,
    changedAt: 1,
    recipe: { ...defaultRecipe(), ...recipe },
    base: { name: model, repo: null, commit: null, license: null, fingerprint: '' },
    data: { file: data, rows: 1, evalRows: 0, tokens: 1, trainedTokens: 1, hash: '' },
    progress: { step: 1, totalSteps: 1, loss, evalLoss, seconds: 1 },
    failure: null,
    status: 'done',
    place: { kind: 'dropped', name: model },
    sweep: null,
  };
}

describe('the table of runs', () => {
  it.each([
    ['no runs', [], []],
    ['one run differs from none', [{}], []],
    ['settings in the order of the recipe', [{ recipe: { lr: 1, rank: 4 } }, {}], ['rank', 'lr']],
    [
      'model and data behind them',
      [{ model: 'a', data: 'x', recipe: { lr: 1 } }, {}],
      ['lr', 'model', 'data'],
    ],
    ['what is the same is no column', [{ data: 'x' }, { data: 'x' }], []],
  ] as [string, Facts[], string[]][])('differing columns: %s', (_, facts, columns) => {
    expect(runColumns(facts.map((one) => head('r', one))).differing).toEqual(columns);
  });

  it('has no column that is empty in all', () => {
    expect(runColumns([head('a', {})]).common).not.toContain('evalLoss');
    expect(runColumns([head('a', {}), head('b', { evalLoss: 2 })]).common[0]).toBe('evalLoss');
  });

  const entries: RunEntry[] = [
    { id: '1', bytes: 0, head: head('run 10', { loss: 3, recipe: { method: 'qlora' } }) },
    { id: '2', bytes: 0, head: null },
    { id: '3', bytes: 0, head: head('run 9', { loss: null, recipe: { method: 'full' } }) },
    { id: '4', bytes: 0, head: head('run 11', { loss: 20, recipe: { method: 'lora' } }) },
  ];
  it.each([
    ['numbers by size', { column: 'loss', descending: false }, '1 4 2 3'],
    ['the largest first, those without still last', { column: 'loss', descending: true }, '4 1 2 3'],
    ['names by their numbers', { column: 'name', descending: false }, '3 1 4 2'],
    ['words', { column: 'method', descending: false }, '3 4 1 2'],
  ] as [string, RunOrder, string][])('sorted: %s', (_, order, ids) => {
    expect(
      sortedRuns(entries, order)
        .map(({ id }) => id)
        .join(' '),
    ).toBe(ids);
  });
});
