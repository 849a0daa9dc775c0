import { expect, it } from 'vitest';
import { recipeFields } from './recipe.ts';
import { readAxis, sharedKeys, sweptKeys } from './sweepAxes.ts';

it('a sweep varies a setting, or has it in common: all are one or the other', () => {
  expect([...sharedKeys, ...sweptKeys].sort()).toEqual(Object.keys(recipeFields).sort());
});

it.each<[string, unknown]>([
  ['lr=1e-4,3e-4', { key: 'lr', values: [1e-4, 3e-4] }],
  ['schedule=cosine, constant', { key: 'schedule', values: ['cosine', 'constant'] }],
  ['packing=true,false', { key: 'packing', values: [true, false] }],
  [
    'targets=["q_proj","v_proj"],"all-linear"',
    { key: 'targets', values: [['q_proj', 'v_proj'], 'all-linear'] },
  ],
  ['memory_budget=300MB', { key: 'memory_budget', values: ['300MB'] }],
  ['lr', null],
  ['lr=', null],
  ['=1', null],
])('reads %s', (text, axis) => {
  expect(readAxis(text)).toEqual(axis);
});
