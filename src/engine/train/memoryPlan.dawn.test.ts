import { beforeAll, describe, expect, it } from 'vitest';
import { defaultRecipe, type Recipe } from '../../base/config/recipe.ts';
import { parseDataset } from '../../content/data/files/parse.ts';
import { rowShapes } from '../../content/data/tokens/rowShapes.ts';
import { splitDataset } from '../../content/data/tokens/split.ts';
import { tokenizeDataset } from '../../content/data/tokens/tokenize.ts';
import { loadTokenizer } from '../../content/data/tokenizer/tokenizer.ts';
import type { Gpu } from '../gpu/device.ts';
import { closeDecoder, openDecoder } from '../model/weights/openDecoder.ts';
import { openModelFiles, openModelHeaders } from '../model/spec/openModel.ts';
import type { WeightStorage } from '../model/weights/weightStorage.ts';
import { nodeSource } from '../../base/storage/nodeFolder.ts';
import { robotStories } from '../../testing/fixtures.ts';
import { modelFolder } from '../../testing/golden.ts';
import { testGpu } from '../../testing/gpu.ts';
import { headerModel } from '../../testing/headerModel.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { measureMemory, planMemory } from './memoryPlan.ts';

refuseLeaks();

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

describe('the plan for a model on disk is what is measured', () => {
  it.each<[string, Partial<Recipe>]>([
    ['starter', {}],
    [
      'starter',
      { method: 'qlora', double_quant: true, optimizer: 'adamw_8bit', rank: 64, eval_fraction: 0.1 },
    ],
    ['tiny-qwen3', { max_length: 40 }],
    ['tiny-qwen3', { max_length: 40, dtype: 'f16', dropout: 0.1 }],
    ['tiny-qwen2', { max_length: 100, method: 'qlora', targets: ['q_proj', 'v_proj'], rank: 64 }],
    ['tiny-qwen2', { max_length: 40, method: 'qlora', dora: true, rank: 4 }],
    ['tiny-llama3', { max_length: 64, batch_size: 8, eval_fraction: 0.1 }],
  ])('%s %o', async (model, fields) => {
    const folder = modelFolder(model);
    const recipe = { ...defaultRecipe(), ...fields };
    const rows = model === 'starter' ? await stories(recipe) : null;
    const measured = await measureMemory(gpu, await openModelFiles(folder), recipe, rows);
    const shapes = rows && {
      train: rowShapes(rows.train),
      evaluation: rows.evaluation && rowShapes(rows.evaluation),
    };
    const plan = await planMemory(await openModelHeaders(folder), recipe, gpu, shapes);
    expect(plan.total).toBe(measured.total);
    expect(plan.loadPeak).toBe(measured.loadPeak);
    expect(plan.parts).toEqual(measured.parts);
  });
});

async function stories(recipe: Recipe) {
  const parsed = await parseDataset(await nodeSource(robotStories));
  const tokenizer = (await loadTokenizer(modelFolder('starter')))!;
  const { vocabSize } = tokenizer;
  const dataset = tokenizeDataset(parsed, { tokenizer, maxLength: 512, vocabSize });
  return splitDataset(dataset, recipe.eval_fraction, recipe.seed);
}

describe('loading takes little more than what stays', () => {
  /** One block, whose feed-forward matrices have 104 MiB each in BF16. */
  const config = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 4096,
    intermediate_size: 13312,
    num_hidden_layers: 1,
    head_dim: 64,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    vocab_size: 64,
    max_position_embeddings: 64,
    tie_word_embeddings: false,
  };
  const matrix = 4096 * 13312;

  // Embedding and head stay in 16 bits, which is a few per cent more.
  it.each<[string, WeightStorage['quantize'], number]>([
    ['in BF16', null, 2],
    ['in 4 bits', { doubleQuant: false }, 4.5 / 8],
    ['in 4 bits with double quantization', { doubleQuant: true }, 4.127 / 8],
  ])('%s', async (_, quantize, bytesOfWeight) => {
    const { memory } = gpu;
    const files = await openModelFiles(headerModel(config, { data: true }));
    memory.resetPeak();
    const before = memory.bytes;
    const decoder = await openDecoder(gpu, files, 'f32', { quantize });
    const [peak, resident] = [memory.peak - before, memory.bytes - before];
    closeDecoder(decoder);
    expect(resident).toBeGreaterThan(3 * matrix * bytesOfWeight);
    expect(resident).toBeLessThan(3.1 * matrix * bytesOfWeight);
    expect(peak).toBeLessThanOrEqual(resident + 64 * 2 ** 20);
    expect((await planMemory(files, loadRecipe(quantize), gpu, null)).loadPeak).toBe(peak);
  });

  function loadRecipe(quantize: WeightStorage['quantize']): Recipe {
    if (!quantize) return defaultRecipe();
    return { ...defaultRecipe(), method: 'qlora', double_quant: quantize.doubleQuant };
  }
});
