import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultRecipe } from '../../base/config/recipe.ts';
import type { Gpu } from '../gpu/device.ts';
import { decodeFloats } from '../../base/lib/floats.ts';
import { readAdapter, writeAdapter } from '../../content/formats/peft.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import type { Decoder } from '../model/decoder/decoder.ts';
import { closeDecoder, openDecoder } from '../model/weights/openDecoder.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomizeAdapter, readBuffers } from '../../testing/passes.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
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
  const { config, modules } = await adapter.toPeft(describeAdapter('tiny', recipe, null, decoder.spec));
  expect(config).toMatchObject({
    base_model_name_or_path: 'tiny',
    r: 4,
    lora_alpha: 8,
    lora_dropout: 0.1,
    use_rslora: true,
    layers_to_transform: [1],
  });
  const again = await startAdapter(decoder, recipe, null);
  expect((await again.toPeft(describeAdapter('tiny', recipe, null, decoder.spec))).modules).toEqual(modules);
  for (const used of [adapter, again]) used.dispose();
});

it('an adapter that training continues has its own values, modules and scales, whatever the recipe says', async () => {
  const first = await startAdapter(decoder, recipe, null);
  randomizeAdapter(first);
  const initial = await first.toPeft(describeAdapter('tiny', recipe, null, decoder.spec));
  const other = { ...recipe, rank: 16, rslora: false, layers: 'all' as const, dropout: 0 };
  const adapter = await startAdapter(decoder, other, initial);
  const written = await adapter.toPeft(describeAdapter('renamed', other, initial, decoder.spec));
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
  const peft = await adapter.toPeft(describeAdapter('tiny', full, null, decoder.spec));
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
