import { beforeEach, expect, it } from 'vitest';
import { defaultRecipe } from '../config/recipe.ts';
import type { Gpu } from '../gpu/device.ts';
import { adapterToPeft } from '../model/adapterFiles.ts';
import { parseConfig } from '../model/config.ts';
import { expectGraftError } from '../testing/errors.ts';
import { testGpu } from '../testing/gpu.ts';
import { refuseLeaks } from '../testing/leaks.ts';
import { randomizeAdapter } from '../testing/passes.ts';
import { tinyConfig } from '../testing/tinyModel.ts';
import { describeAdapter, startAdapter } from './startAdapter.ts';

const spec = parseConfig(tinyConfig);
const recipe = { ...defaultRecipe(), rank: 4, alpha: 8, rslora: true, dropout: 0.1, layers: [1], seed: 7 };

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

it('a fresh adapter is the recipe’s, and so is its config', async () => {
  const adapter = startAdapter(gpu, spec, recipe, null);
  expect(adapter.modules.map(({ layer, rank, scale }) => [layer, rank, scale])).toEqual(
    Array.from({ length: 7 }, () => [1, 4, 4]),
  );
  const { config, modules } = await adapterToPeft(adapter, describeAdapter('tiny', recipe, null));
  expect(config).toMatchObject({
    base_model_name_or_path: 'tiny',
    r: 4,
    lora_alpha: 8,
    lora_dropout: 0.1,
    use_rslora: true,
    layers_to_transform: [1],
  });
  const again = startAdapter(gpu, spec, recipe, null);
  expect((await adapterToPeft(again, describeAdapter('tiny', recipe, null))).modules).toEqual(modules);
  for (const used of [adapter, again]) used.dispose();
});

it('an adapter to go on from keeps its values, modules and scales, whatever the recipe says', async () => {
  const first = startAdapter(gpu, spec, recipe, null);
  randomizeAdapter(first);
  const initial = await adapterToPeft(first, describeAdapter('tiny', recipe, null));
  const other = { ...recipe, rank: 16, rslora: false, layers: 'all' as const, dropout: 0 };
  const adapter = startAdapter(gpu, spec, other, initial);
  const written = await adapterToPeft(adapter, describeAdapter('renamed', other, initial));
  expect(written.modules).toEqual(initial.modules);
  expect(written.config).toEqual({
    ...initial.config,
    base_model_name_or_path: 'renamed',
    lora_dropout: 0,
  });
  for (const used of [first, adapter]) used.dispose();

  const smaller = parseConfig({ ...tinyConfig, num_hidden_layers: 1 });
  await expectGraftError(() => startAdapter(gpu, smaller, recipe, initial), 'model.adapter_unknown_module');
  await expectGraftError(() => startAdapter(gpu, smaller, recipe, null), 'train.layer_out_of_range');
});
