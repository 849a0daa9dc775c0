import { describe, expect, it } from 'vitest';
import { defaultRecipe } from '../config/recipe.ts';
import { emptyModel } from './model.ts';
import type { Adapter } from './adapter.ts';
import { emptyRun } from './run.ts';
import { mergeBase } from './exporting.ts';
import type { ModelSummary } from '../workers/protocol.ts';

const trained: Adapter = { origin: 'trained', saved: false, steps: 3, run: null, isModel: false };
const openedAdapter: Adapter = { origin: 'opened', saved: true, name: 'adapter', rank: 8, modules: 35 };

describe('mergeBase', () => {
  it.each([
    ['LoRA', 'lora', null, trained, 'original'],
    ['QLoRA', 'qlora', null, trained, 'choice'],
    ['an adapter opened after a QLoRA run', 'qlora', null, openedAdapter, 'original'],
    ['LoRA on a GPTQ model', 'lora', 'gptq', trained, 'dequantized'],
    ['QLoRA on a bitsandbytes model', 'qlora', 'bitsandbytes', trained, 'dequantized'],
    ['an adapter opened on an AWQ model', 'lora', 'awq', openedAdapter, 'dequantized'],
  ] as const)('of %s', (_, method, quantized, adapter, base) => {
    const run = { ...emptyRun, recipe: { ...defaultRecipe(), method } };
    const model = { ...emptyModel, summary: { quantized } as ModelSummary };
    expect(mergeBase({ model, run, adapter })).toBe(base);
  });
});
