import { describe, expect, it } from 'vitest';
import { defaultRecipe } from './recipe.ts';
import { runName, uniqueName } from './runName.ts';

describe('runName', () => {
  it.each([
    ['QLoRA r16 2e-3, pirate-talk', { method: 'qlora', rank: 16, lr: 2e-3 }, 'pirate-talk.jsonl'],
    ['LoRA r8 2.5e-4, my data', { method: 'lora', rank: 8, lr: 2.5e-4 }, '/home/me/my data.csv'],
    ['Full 1e-5, train', { method: 'full', rank: 8, lr: 1e-5 }, 'hf:org/name@abc/data/train.parquet'],
    ['DPO LoRA r8 3e-4, pairs', { method: 'lora', rank: 8, lr: 3e-4, objective: 'dpo' }, 'pairs.jsonl'],
    ['LoRA r8 1e0, rows', { method: 'lora', rank: 8, lr: 1 }, 'C:\\data\\rows.jsonl.gz'],
    ['LoRA r8 3.33e-3, .jsonl', { method: 'lora', rank: 8, lr: 1 / 300 }, '.jsonl'],
    ['LoRA r8 1e-4, v1.2', { method: 'lora', rank: 8, lr: 1e-4 }, 'v1.2.jsonl'],
    ['LoRA r8 1e-4, 海盗', { method: 'lora', rank: 8, lr: 1e-4 }, '海盗.jsonl'],
  ] as const)('%s', (name, changes, data) => {
    expect(runName({ ...defaultRecipe(), ...changes }, data)).toBe(name);
  });
});

it.each([
  ['a', [], 'a'],
  ['a', ['b'], 'a'],
  ['a', ['a'], 'a (2)'],
  ['a', ['a', 'a (2)'], 'a (3)'],
  ['a', ['a', 'a (3)'], 'a (2)'],
  ['a (2)', ['a (2)', 'a (3)'], 'a (4)'],
] as [string, string[], string][])('“%s” beside %j is “%s”', (name, taken, expected) => {
  expect(uniqueName(name, taken)).toBe(expected);
});
