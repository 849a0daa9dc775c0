import { expect, it } from 'vitest';
import { defaultRecipe } from '../../base/config/recipe.ts';
import type { Sweep, SweepRun } from '../../content/runs/sweep.ts';
import { sweepCsv, sweepJson, sweepTable } from './sweepTable.ts';

const run = (change: Partial<SweepRun>, lr: number, targets: 'all-linear' | string[]): SweepRun => ({
  name: `lr ${lr}`,
  recipe: { ...defaultRecipe(), lr, targets },
  id: null,
  steps: 0,
  totalSteps: 8,
  rungs: [],
  end: null,
  ...change,
});

const sweep: Sweep = {
  format: 1,
  id: 'sweep',
  createdAt: 0,
  data: { file: 'rows.jsonl' },
  fingerprint: '',
  digest: '',
  eta: 2,
  rungs: 1,
  runs: [
    run({ id: 'a', steps: 4, rungs: [2.5] }, 1e-4, 'all-linear'),
    run({ id: 'b', steps: 8, rungs: [1.5], end: { kind: 'finished', loss: 1.25, failure: null } }, 3e-4, [
      'q_proj',
      'v_proj',
    ]),
  ],
  extra: null,
};

it('has the settings that differ first, and the best run on top', () => {
  expect(sweepCsv(sweepTable(sweep))).toBe(
    'lr,targets,eval_loss,steps,of_steps,state\r\n' +
      '3e-4,"[""q_proj"",""v_proj""]",1.25,8,8,finished\r\n' +
      '1e-4,all-linear,2.5,4,8,stopped\r\n',
  );
  expect(JSON.parse(sweepJson(sweepTable(sweep)))).toEqual([
    {
      lr: 3e-4,
      targets: ['q_proj', 'v_proj'],
      eval_loss: 1.25,
      steps: 8,
      of_steps: 8,
      state: 'finished',
      rungs: [{ step: 4, loss: 1.5 }],
      run: 'lr 0.0003',
    },
    {
      lr: 1e-4,
      targets: 'all-linear',
      eval_loss: 2.5,
      steps: 4,
      of_steps: 8,
      state: 'stopped',
      rungs: [{ step: 4, loss: 2.5 }],
      run: 'lr 0.0001',
    },
  ]);
});
