import { describe, expect, it } from 'vitest';
import { openModelHeaders } from '../../engine/model/spec/openModel.ts';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import { bnbModel, gptqModel } from '../../testing/quantizedModel.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { writeTinyStories } from '../../testing/tinyStories.ts';
import { summarize } from './modelSummary.ts';

const scratch = scratchFolder();

describe('summarize', () => {
  it('counts a matrix once that is embedding and head', async () => {
    const files = await openModelHeaders(nodeFolder(writeTinyStories(scratch)));
    expect(await summarize('tiny-stories', files, null)).toMatchObject({
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
