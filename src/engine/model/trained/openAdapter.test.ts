import { describe, expect, it } from 'vitest';
import { decodeFloats, encodeFloats } from '../../../base/lib/floats.ts';
import { encodeSafetensors } from '../../../content/formats/safetensorsWriter.ts';
import { createRandom } from '../../../base/lib/random.ts';
import { MemoryFolder } from '../../../base/storage/memoryFolder.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { tinyFamilies } from '../../../testing/tinyFamilies.ts';
import { tinyConfig, tinyModel } from '../../../testing/tinyModel.ts';
import { openAdapter } from './openAdapter.ts';
import { openModelFiles } from '../spec/openModel.ts';

const PREFIX = 'base_model.model.';
const V = 40;
const d = 32;

type Values = Float32Array<ArrayBuffer>;
const random = createRandom(4);
const values = (length: number): Values => Float32Array.from({ length }, () => random.next() - 0.5);

/** A and B of a module, by their keys. */
function lora(module: string, out: number, name = '') {
  return {
    [`${PREFIX}${module}.lora_A${name}.weight`]: { shape: [2, d], values: values(2 * d) },
    [`${PREFIX}${module}.lora_B${name}.weight`]: { shape: [out, 2], values: values(out * 2) },
  };
}

/** A and B of q_proj in some layers of the tiny model, which has two. */
const queries = (layers = [0, 1], name = '') =>
  Object.assign(
    {},
    ...layers.map((layer) => lora(`model.layers.${layer}.self_attn.q_proj`, d, name)),
  ) as ReturnType<typeof lora>;
const headLora = (name = '') => lora('lm_head', V, name);
const matrix = (module: string, own: Values, rows = V) => ({
  [`${PREFIX}${module}.weight`]: { shape: [rows, d], values: own },
});

function folderOf(tensors: ReturnType<typeof lora>, fields: Record<string, unknown> = {}): MemoryFolder {
  const config = { peft_type: 'LORA', r: 2, lora_alpha: 4, target_modules: ['q_proj'], ...fields };
  return new MemoryFolder('adapter', {
    'adapter_config.json': JSON.stringify(config),
    'adapter_model.safetensors': encodeSafetensors(
      Object.entries(tensors).map(([name, { shape, values: own }]) => ({
        name,
        dtype: 'F32',
        shape,
        bytes: encodeFloats(own, 'F32'),
      })),
    ),
  });
}

async function openTiny(tied = false) {
  const files = await openModelFiles(tinyModel({ config: { ...tinyConfig, tie_word_embeddings: tied } }));
  const own = decodeFloats(await files.checkpoint.read('model.embed_tokens.weight'), 'F32');
  return { files, own: Float32Array.from(own) };
}

async function open(tensors: ReturnType<typeof lora>, fields: Record<string, unknown> = {}, tied = false) {
  const { files } = await openTiny(tied);
  const { peft, warnings } = await openAdapter(files, folderOf(tensors, fields));
  return { peft, warnings: warnings.map(({ code, params }) => ({ code, params })) };
}

describe('openAdapter', () => {
  it('accepts the keys of a state dict that include an adapter’s name', async () => {
    const fields = { target_modules: ['q_proj', 'lm_head'] };
    for (const name of ['.default', '.my-adapter']) {
      const { peft, warnings } = await open({ ...queries([0, 1], name), ...headLora(name) }, fields);
      expect([...peft.modules.keys()].sort()).toEqual([
        'lm_head',
        'model.layers.0.self_attn.q_proj',
        'model.layers.1.self_attn.q_proj',
      ]);
      expect(warnings).toEqual([]);
    }
    await expectGraftError(
      () => open({ ...queries([0], '.one'), ...queries([1], '.two') }),
      'formats.adapter_names',
      { names: '“one”, “two”' },
    );
  });

  it('warns about modules without weights, as PEFT does', async () => {
    const { peft, warnings } = await open(queries([1]));
    expect(peft.modules.size).toBe(1);
    const params = { count: 1, total: 2, modules: 'model.layers.0.self_attn.q_proj' };
    expect(warnings).toEqual([{ code: 'model.adapter_incomplete', params }]);
    const all = await open(queries(), { target_modules: 'all-linear' });
    expect(all.warnings[0]?.params).toMatchObject({ count: 12, total: 14 });
    const head = await open(queries(), { target_modules: ['q_proj', 'lm_head'] });
    expect(head.warnings[0]?.params).toMatchObject({ count: 1, total: 3, modules: 'lm_head' });
  });

  it.each([
    ['target_modules', { target_modules: ['q_proj'] }, { ...queries(), ...headLora() }, 'lm_head'],
    ['target_modules', { target_modules: 'all-linear' }, { ...queries(), ...headLora() }, 'lm_head'],
    ['layers_to_transform', { layers_to_transform: [0] }, queries(), 'model.layers.1.self_attn.q_proj'],
    ['exclude_modules', { exclude_modules: '.*1.*' }, queries(), 'model.layers.1.self_attn.q_proj'],
  ])(
    'rejects weights that %s excludes, since PEFT would drop them',
    async (field, fields, tensors, module) => {
      await expectGraftError(() => open(tensors, fields), 'model.adapter_untargeted', { field, module });
    },
  );

  it('reports target_modules that cannot be compared', async () => {
    const none = await open(queries(), { target_modules: 'nothing' });
    expect(none.warnings).toMatchObject([{ code: 'model.adapter_targets_none' }]);
    const unread = await open(queries(), { target_modules: '(?<=x)q_proj' });
    expect(unread.warnings).toMatchObject([{ code: 'model.adapter_targets_unread' }]);
  });

  it('drops copies of the base’s weights', async () => {
    const { own } = await openTiny(true);
    const copies = { ...queries(), ...matrix('model.embed_tokens', own), ...matrix('lm_head', own) };
    const { peft } = await open(copies, {}, true);
    expect([peft.saved?.size, peft.replaced?.size, peft.tiedHead]).toEqual([0, 0, undefined]);
    // PEFT stores the head under its LoRA's name.
    const underLora = { ...queries(), ...headLora(), ...matrix('lm_head.base_layer', own) };
    const head = await open(underLora, { target_modules: ['q_proj', 'lm_head'] }, true);
    expect([head.peft.modules.size, head.peft.saved?.size, head.peft.replaced?.size]).toEqual([3, 0, 0]);
  });

  it('replaces the base’s embedding and head with other values, in a tied model both', async () => {
    const other = values(V * d);
    const tied = await open({ ...queries(), ...matrix('model.embed_tokens', other) }, {}, true);
    expect([...tied.peft.saved!.keys()]).toEqual(['model.embed_tokens']);
    expect([tied.peft.tiedHead, tied.peft.replaced?.size]).toEqual(['lm_head', 1]);
    const untied = await open({ ...queries(), ...matrix('model.embed_tokens', other) });
    expect([...untied.peft.saved!.keys()]).toEqual(['model.embed_tokens']);
    expect(untied.peft.tiedHead).toBeUndefined();
    const differing = { ...matrix('model.embed_tokens', other), ...matrix('lm_head', values(V * d)) };
    await expectGraftError(() => open({ ...queries(), ...differing }, {}, true), 'model.adapter_ties', {});
    const underLora = { ...queries(), ...headLora(), ...matrix('lm_head.base_layer', other) };
    const fields = { target_modules: ['q_proj', 'lm_head'] };
    await expectGraftError(() => open(underLora, fields), 'model.adapter_base', { module: 'lm_head' });
  });

  it('keeps embedding and head one matrix with ensure_weight_tying', async () => {
    const other = values(V * d);
    const both = { ...queries(), ...matrix('model.embed_tokens', other), ...matrix('lm_head', other) };
    for (const saved of [['embed_tokens'], ['lm_head'], ['embed_tokens', 'lm_head']]) {
      const fields = { modules_to_save: saved, ensure_weight_tying: true };
      const { peft } = await open(both, fields, true);
      expect([...peft.saved!.keys()]).toEqual(['model.embed_tokens']);
      expect([peft.tiedHead, peft.replaced?.size]).toEqual(['lm_head', 0]);
    }
    const fields = { target_modules: ['q_proj', 'lm_head'], ensure_weight_tying: true };
    const tiedLora = () => open({ ...queries(), ...headLora() }, fields, true);
    await expectGraftError(tiedLora, 'model.adapter_tied_lora', { module: 'lm_head' });
  });

  it('reports a resized vocabulary', async () => {
    const resized = matrix('model.embed_tokens', values((V + 2) * d), V + 2);
    const params = { module: 'model.embed_tokens', actual: V + 2, expected: V };
    await expectGraftError(() => open({ ...queries(), ...resized }), 'model.adapter_vocabulary', params);
    const saved = { modules_to_save: ['embed_tokens'] };
    await expectGraftError(
      () => open({ ...queries(), ...resized }, saved),
      'model.adapter_vocabulary',
      params,
    );
  });

  it.each([
    ['exclude_modules', { exclude_modules: 3 }],
    ['layers_to_transform', { layers_to_transform: [-1] }],
    ['layers_to_transform', { target_modules: '.*q_proj', layers_to_transform: [1] }],
    ['layers_pattern', { layers_pattern: 3 }],
    ['ensure_weight_tying', { ensure_weight_tying: 'yes' }],
  ])('rejects an invalid %s by name', async (field, fields) => {
    await expectGraftError(() => open(queries(), fields), 'formats.adapter_field', { field });
  });
});

describe('LoRA on experts', () => {
  it.each([
    ['qwen3Moe', 'model.layers.0.mlp.experts.3.gate_proj'],
    ['graniteMoe', 'model.layers.1.block_sparse_moe.input_linear'],
  ])('by the names of transformers 4 is refused with the module: %s', async (family, module) => {
    const files = await openModelFiles(tinyModel({ config: tinyFamilies[family]! }));
    const target = module.slice(module.lastIndexOf('.') + 1);
    const adapter = folderOf(lora(module, 64), { target_modules: [target] });
    await expectGraftError(() => openAdapter(files, adapter), 'model.adapter_older_experts', { module });
  });
});
