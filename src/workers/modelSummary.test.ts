import { describe, expect, it } from 'vitest';
import { openModelHeaders } from '../model/openModel.ts';
import { nodeFolder } from '../storage/nodeFolder.ts';
import { bnbModel, gptqModel } from '../testing/quantizedModel.ts';
import { sharedPath } from '../testing/shared.ts';
import { tinyModel } from '../testing/tinyModel.ts';
import { summarize } from './modelSummary.ts';

describe('summarize', () => {
  it('counts what the model card counts', async () => {
    const files = await openModelHeaders(nodeFolder(sharedPath('models/stories260k')));
    expect(await summarize('stories260k', files, null)).toMatchObject({
      parameters: 260_032,
      bytes: 1_040_128,
      savableModules: ['embed_tokens', 'lm_head'],
      quantized: null,
    });
  });

  it('counts the parameters of a quantized model, not its codes', async () => {
    const plain = await summarize('plain', await openModelHeaders(tinyModel()), null);
    for (const [model, quantized] of [
      [bnbModel(false), 'bitsandbytes'],
      [gptqModel(8, true), 'gptq'],
    ] as const) {
      const summary = await summarize('quantized', await openModelHeaders(tinyModel(model)), null);
      expect(summary).toMatchObject({ parameters: plain.parameters, quantized });
      expect(summary.bytes).not.toBe(plain.bytes);
    }
  });
});
