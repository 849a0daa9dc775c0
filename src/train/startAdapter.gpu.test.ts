import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultRecipe } from '../config/recipe.ts';
import type { Gpu } from '../gpu/device.ts';
import { decodeFloats } from '../formats/floats.ts';
import { readAdapter, writeAdapter } from '../formats/peft.ts';
import { MemoryFolder } from '../storage/memoryFolder.ts';
import { adapterToPeft } from '../model/adapterFiles.ts';
import type { Decoder } from '../model/decoder.ts';
import { closeDecoder, openDecoder } from '../model/openDecoder.ts';
import { openModelFiles } from '../model/openModel.ts';
import { expectGraftError } from '../testing/errors.ts';
import { testGpu } from '../testing/gpu.ts';
import { refuseLeaks } from '../testing/leaks.ts';
import { randomizeAdapter, readBuffers } from '../testing/passes.ts';
import { tinyModel } from '../testing/tinyModel.ts';
import { describeAdapter, startAdapter } from './startAdapter.ts';

const recipe = { ...defaultRecipe(), rank: 4, alpha: 8, rslora: true, dropout: 0.1, layers: [1], seed: 7 };

refuseLeaks();

let gpu: Gpu;
let decoder: Decoder;
beforeEach(async () => {
  gpu = await testGpu();
  decoder = await open();
});
afterEach(() => closeDecoder(decoder));

async function open(config = {}): Promise<Decoder> {
  return openDecoder(gpu, await openModelFiles(tinyModel({ config })), 'f32');
}

it('a fresh adapter is the recipe’s, and so is its config', async () => {
  const adapter = await startAdapter(decoder, recipe, null);
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
  const again = await startAdapter(decoder, recipe, null);
  expect((await adapterToPeft(again, describeAdapter('tiny', recipe, null))).modules).toEqual(modules);
  for (const used of [adapter, again]) used.dispose();
});

it('an adapter to go on from keeps its values, modules and scales, whatever the recipe says', async () => {
  const first = await startAdapter(decoder, recipe, null);
  randomizeAdapter(first);
  const initial = await adapterToPeft(first, describeAdapter('tiny', recipe, null));
  const other = { ...recipe, rank: 16, rslora: false, layers: 'all' as const, dropout: 0 };
  const adapter = await startAdapter(decoder, other, initial);
  const written = await adapterToPeft(adapter, describeAdapter('renamed', other, initial));
  expect(written.modules).toEqual(initial.modules);
  expect(written.config).toEqual({
    ...initial.config,
    base_model_name_or_path: 'renamed',
    lora_dropout: 0,
  });
  for (const used of [first, adapter]) used.dispose();

  const smaller = await open({ num_hidden_layers: 1 });
  await expectGraftError(() => startAdapter(smaller, recipe, initial), 'model.adapter_unknown_module');
  await expectGraftError(() => startAdapter(smaller, recipe, null), 'train.layer_out_of_range');
  closeDecoder(smaller);
});

it('modules trained in full begin with the model’s values, and come back from their files', async () => {
  const full = { ...recipe, modules_to_save: ['lm_head', 'embed_tokens'] };
  const adapter = await startAdapter(decoder, full, null);
  const peft = await adapterToPeft(adapter, describeAdapter('tiny', full, null));
  expect(peft.config.modules_to_save).toEqual(['embed_tokens', 'lm_head']);
  const folder = new MemoryFolder('adapter');
  await writeAdapter(folder, peft);
  const read = await readAdapter(folder);
  const again = await startAdapter(decoder, recipe, read);
  const own = await readBuffers(gpu, adapter.params);
  expect(await readBuffers(gpu, again.params)).toEqual(own);
  const { checkpoint } = await openModelFiles(tinyModel());
  const head = decodeFloats(await checkpoint.read('lm_head.weight'), 'F32');
  expect(await read.saved!.get('lm_head')!.read(3, 2)).toEqual(head.slice(3 * 32, 5 * 32));
  for (const used of [adapter, again]) used.dispose();
});
