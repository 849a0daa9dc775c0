import { describe, expect, it } from 'vitest';
import { openModelFiles } from '../model/spec/openModel.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { testGpu } from '../../testing/gpu.ts';
import { headerModel } from '../../testing/headerModel.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomPeft } from '../../testing/mergeAdapter.ts';
import { tinyConfig } from '../../testing/tinyModel.ts';
import { mergeJob, type MergeChoices } from './mergeJob.ts';
import { mergeModel } from './mergeModel.ts';

refuseLeaks();

const MIB = 2 ** 20;

/** Matrices of 48 MiB: six blocks of rows each. */
const config = {
  ...tinyConfig,
  hidden_size: 1024,
  intermediate_size: 12288,
  num_hidden_layers: 1,
  vocab_size: 64,
};

describe('a merge of matrices far larger than a block', () => {
  it.each<[string, Partial<MergeChoices>]>([
    ['onto the original weights', {}],
    ['onto nested 4 bits', { onto: 'dequantized', trainedDoubleQuant: true }],
    [
      'onto nested 4 bits, to nested NF4',
      { onto: 'dequantized', trainedDoubleQuant: true, quantize: { doubleQuant: true } },
    ],
  ])('%s takes at most 64 MiB of GPU memory', async (name, choices) => {
    const gpu = await testGpu();
    const base = await openModelFiles(headerModel(config, { dtype: 'F32', data: true }));
    const adapter = randomPeft(base, { rank: 8, alpha: 8, targets: ['up_proj', 'down_proj'] });
    gpu.memory.resetPeak();
    const before = gpu.memory.bytes;
    const job = mergeJob(base, adapter, choices);
    await mergeModel(gpu, job, new MemoryFolder('merged'), { maxShardBytes: 1e9 });
    const peak = gpu.memory.peak - before;
    console.info(`merge ${name}: ${(peak / MIB).toFixed(1)} MiB`);
    expect(peak).toBeLessThanOrEqual(64 * MIB);
    expect(peak).toBeGreaterThan(8 * MIB);
  });
});
