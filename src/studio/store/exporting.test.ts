import { describe, expect, it } from 'vitest';
import { emptyModel } from './state/model.ts';
import type { Adapter } from './state/adapter.ts';
import { mergeBase } from './exporting.ts';
import type { ModelSummary } from '../../hosts/browser/protocol.ts';

const trained = (method: 'lora' | 'qlora'): Adapter => ({
  origin: 'trained',
  saved: false,
  steps: 3,
  run: null,
  method,
});
const openedAdapter: Adapter = {
  origin: 'opened',
  id: 'shelved-1',
  saved: true,
  name: 'adapter',
  rank: 8,
  modules: 35,
  warnings: [],
};

describe('mergeBase', () => {
  it.each([
    ['LoRA', null, trained('lora'), 'original'],
    ['QLoRA', null, trained('qlora'), 'choice'],
    ['an opened adapter', null, openedAdapter, 'original'],
    ['LoRA on a GPTQ model', 'gptq', trained('lora'), 'dequantized'],
    ['QLoRA on a bitsandbytes model', 'bitsandbytes', trained('qlora'), 'dequantized'],
    ['an adapter opened on an AWQ model', 'awq', openedAdapter, 'dequantized'],
  ] as const)('of %s', (_, quantized, adapter, base) => {
    const model = { ...emptyModel, summary: { quantized } as ModelSummary };
    expect(mergeBase({ model, adapter })).toBe(base);
  });
});
