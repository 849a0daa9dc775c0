import { describe, expect, it } from 'vitest';
import type { ErrorCode, ErrorParams } from '../../base/lib/errors.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { caught, expectGraftError } from '../../testing/errors.ts';
import { allRuns, goldenFolder, needRun } from '../../testing/golden.ts';
import { encodeFloats } from '../../base/lib/floats.ts';
import { newPeftConfig, rankAndScale, readAdapter, writeAdapter, type PeftAdapter } from './peft.ts';
import { checkPeftConfig } from './peftConfig.ts';
import { openSafetensors } from './safetensors.ts';
import { encodeSafetensors } from './safetensorsWriter.ts';
import { readJson, readText } from './text.ts';

const q = 'base_model.model.model.layers.0.self_attn.q_proj';
const pair = { [`${q}.lora_A.weight`]: [2, 3], [`${q}.lora_B.weight`]: [4, 2] };

/** An adapter folder with these fields over a plain config, and tensors of these shapes. */
function adapterFolder(
  fields: Record<string, unknown>,
  shapes: Record<string, number[]> = pair,
  dtype = 'F32',
): MemoryFolder {
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i / 4 - 1);
    const bytes = dtype === 'I32' ? new Uint8Array(values.buffer) : encodeFloats(values, dtype);
    return { name, dtype, shape, bytes };
  });
  const config = { peft_type: 'LORA', r: 2, lora_alpha: 8, target_modules: ['q_proj'], ...fields };
  return new MemoryFolder('adapter', {
    'adapter_config.json': JSON.stringify(config),
    'adapter_model.safetensors': encodeSafetensors(tensors),
  });
}

describe('readAdapter', () => {
  it('reads weights, rank and scale', async () => {
    for (const dtype of ['F32', 'F16', 'BF16']) {
      const { config, modules } = await readAdapter(adapterFolder({}, pair, dtype));
      expect(config).toMatchObject({ r: 2, lora_alpha: 8, bias: 'none', use_rslora: false });
      expect([...modules]).toEqual([
        [
          'model.layers.0.self_attn.q_proj',
          {
            rank: 2,
            scale: 4,
            a: new Float32Array([-1, -0.75, -0.5, -0.25, 0, 0.25]),
            b: new Float32Array([-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75]),
            inFeatures: 3,
            outFeatures: 4,
          },
        ],
      ]);
    }
  });

  it('reads magnitudes of DoRA and trained biases, and writes them under PEFT’s keys', async () => {
    const k = 'base_model.model.model.layers.0.self_attn.k_proj';
    const shapes = {
      ...pair,
      [`${q}.lora_magnitude_vector`]: [4],
      [`${q}.base_layer.bias`]: [4],
      [`${k}.bias`]: [2],
    };
    const folder = adapterFolder({ use_dora: true, bias: 'all' }, shapes);
    const adapter = await readAdapter(folder);
    const four = new Float32Array([-1, -0.75, -0.5, -0.25]);
    expect([...adapter.modules.values()]).toMatchObject([{ magnitudes: four }]);
    expect([...adapter.biases!]).toEqual([
      ['model.layers.0.self_attn.q_proj', four],
      ['model.layers.0.self_attn.k_proj', four.slice(0, 2)],
    ]);
    const copy = new MemoryFolder('copy');
    await writeAdapter(copy, adapter);
    const file = await openSafetensors(await copy.open('adapter_model.safetensors'));
    expect([...file.tensors.keys()].sort()).toEqual(Object.keys(shapes).sort());
    expect(await readAdapter(copy)).toMatchObject({ modules: adapter.modules, biases: adapter.biases });
  });

  it.each<[string, Record<string, unknown>, Record<string, number[]>, ErrorCode]>([
    ['lack', { use_dora: true }, pair, 'formats.adapter_half'],
    [
      'are of another length',
      { use_dora: true },
      { ...pair, [`${q}.lora_magnitude_vector`]: [3] },
      'formats.adapter_shape',
    ],
    [
      'are of a bias that PEFT would ignore',
      { bias: 'lora_only' },
      { ...pair, [`${q}.bias`]: [4] },
      'formats.adapter_key',
    ],
  ])('refuses vectors that %s', async (_, fields, shapes, code) => {
    await expectGraftError(() => readAdapter(adapterFolder(fields, shapes)), code);
  });

  it('honours rsLoRA, rank_pattern and alpha_pattern', async () => {
    const fields = {
      r: 16,
      use_rslora: true,
      rank_pattern: { 'layers.0.self_attn.q_proj': 2 },
      alpha_pattern: { '^model.*q_proj': 3 },
    };
    const module = (await readAdapter(adapterFolder(fields))).modules.get('model.layers.0.self_attn.q_proj');
    expect(module).toMatchObject({ rank: 2, scale: 3 / Math.sqrt(2) });
  });

  it.each([false, {}, null])('takes %j for what is off, in the type of its field', async (off) => {
    const fields = {
      modules_to_save: off,
      exclude_modules: off,
      layers_to_transform: off,
      layers_pattern: off,
      use_rslora: off,
      ensure_weight_tying: off,
    };
    const { config, modules } = await readAdapter(adapterFolder(fields));
    expect(config).toMatchObject({ modules_to_save: null, exclude_modules: null, layers_to_transform: null });
    expect([config.use_rslora, config.ensure_weight_tying, config.layers_pattern]).toEqual([
      false,
      false,
      null,
    ]);
    const plain = await readAdapter(adapterFolder({}));
    expect([...modules.values()].map(({ scale }) => scale)).toEqual(
      [...plain.modules.values()].map(({ scale }) => scale),
    );
  });

  it('quotes a value of any nesting', async () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown;
    const error = await caught(() =>
      checkPeftConfig({ peft_type: 'LORA', r: deep }, 'f', 'adapter_config.json'),
    );
    expect(error).toMatchObject({ code: 'formats.adapter_field', params: { field: 'r' } });
  });

  it.each<[string, Record<string, unknown>, ErrorCode, ErrorParams]>([
    [
      'another method',
      { peft_type: 'IA3' },
      'formats.adapter_unsupported',
      { field: 'peft_type', found: '"IA3"' },
    ],
    ['a value of use_dora', { use_dora: 'yes' }, 'formats.adapter_field', { field: 'use_dora' }],
    [
      'saved modules that are no list',
      { modules_to_save: 'lm_head' },
      'formats.adapter_field',
      { field: 'modules_to_save' },
    ],
    ['other biases', { bias: 'some' }, 'formats.adapter_field', { field: 'bias' }],
    ['LoRA biases', { lora_bias: true }, 'formats.adapter_unsupported', { field: 'lora_bias' }],
    [
      'PiSSA',
      { init_lora_weights: 'pissa_niter_16' },
      'formats.adapter_mutates_base',
      { init: '"pissa_niter_16"' },
    ],
    [
      'trained tokens',
      { trainable_token_indices: [1] },
      'formats.adapter_unsupported',
      { field: 'trainable_token_indices' },
    ],
    [
      'replicated layers',
      { layer_replication: [[0, 1]] },
      'formats.adapter_unsupported',
      { field: 'layer_replication' },
    ],
    [
      'parameters by one name',
      { target_parameters: 'x' },
      'formats.adapter_field',
      { field: 'target_parameters' },
    ],
    [
      'no method',
      { peft_type: undefined },
      'formats.adapter_field',
      { field: 'peft_type', found: 'missing' },
    ],
    ['no rank', { r: undefined }, 'formats.adapter_field', { field: 'r', found: 'missing' }],
    ['rank 0', { r: 0 }, 'formats.adapter_field', { field: 'r', found: '0' }],
    ['a rank as text', { r: '8' }, 'formats.adapter_field', { field: 'r' }],
    ['no alpha', { lora_alpha: null }, 'formats.adapter_field', { field: 'lora_alpha' }],
    [
      'a wrong rank pattern',
      { rank_pattern: { q_proj: 0.5 } },
      'formats.adapter_field',
      { field: 'rank_pattern' },
    ],
    ['a wrong alpha pattern', { alpha_pattern: [1] }, 'formats.adapter_field', { field: 'alpha_pattern' }],
    ['wrong targets', { target_modules: [1] }, 'formats.adapter_field', { field: 'target_modules' }],
    [
      'a wrong base',
      { base_model_name_or_path: 3 },
      'formats.adapter_field',
      { field: 'base_model_name_or_path' },
    ],
    [
      'another rank than its weights',
      { r: 4 },
      'formats.adapter_shape',
      { tensor: `${q}.lora_A.weight`, shape: '2, 3' },
    ],
    [
      'a pattern that nobody can match in bounded time',
      { rank_pattern: { '(?<=a)b': 2 } },
      'formats.adapter_pattern',
      { pattern: '(?<=a)b' },
    ],
  ])('refuses %s', async (_, fields, code, params) => {
    await expectGraftError(() => readAdapter(adapterFolder(fields)), code, params);
  });

  it.each<[string, Record<string, number[]>, ErrorCode, ErrorParams]>([
    [
      'A without B',
      { [`${q}.lora_A.weight`]: [2, 3] },
      'formats.adapter_half',
      { present: 'lora_A', absent: 'lora_B' },
    ],
    [
      'B without A',
      { [`${q}.lora_B.weight`]: [4, 2] },
      'formats.adapter_half',
      { present: 'lora_B', absent: 'lora_A' },
    ],
    [
      'B of another rank',
      { ...pair, [`${q}.lora_B.weight`]: [2, 4] },
      'formats.adapter_shape',
      { tensor: `${q}.lora_B.weight` },
    ],
    [
      'a convolution',
      { ...pair, [`${q}.lora_A.weight`]: [2, 3, 1] },
      'formats.adapter_shape',
      { shape: '2, 3, 1' },
    ],
    [
      'DoRA magnitudes',
      { ...pair, [`${q}.lora_magnitude_vector`]: [4] },
      'formats.adapter_key',
      { kind: 'it is a DoRA magnitude' },
    ],
    [
      'embeddings',
      { ...pair, 'base_model.model.model.embed_tokens.lora_embedding_A': [2, 3] },
      'formats.adapter_key',
      { kind: 'it is LoRA on an embedding' },
    ],
    [
      'a base weight of a layer',
      { ...pair, 'base_model.model.q_proj.base_layer.weight': [4, 3] },
      'formats.adapter_key',
      { kind: 'it is a weight of the base model' },
    ],
    [
      'a norm trained in full',
      { ...pair, 'base_model.model.lm_head.weight': [3] },
      'formats.adapter_saved_vector',
      { tensor: 'base_model.model.lm_head.weight' },
    ],
    [
      'two adapters',
      { ...pair, [`${q}.lora_A.default.weight`]: [2, 3], [`${q}.lora_B.default.weight`]: [4, 2] },
      'formats.adapter_names',
      { names: 'none, “default”' },
    ],
    [
      'keys without the prefix',
      { 'q_proj.lora_A.weight': [2, 3] },
      'formats.adapter_key',
      { tensor: 'q_proj.lora_A.weight' },
    ],
    ['no tensors', {}, 'formats.adapter_empty', { file: 'adapter_model.safetensors' }],
  ])('refuses a file with %s', async (_, shapes, code, params) => {
    await expectGraftError(() => readAdapter(adapterFolder({}, shapes)), code, params);
  });

  it('refuses other dtypes, missing files, pickles and bad JSON', async () => {
    await expectGraftError(() => readAdapter(adapterFolder({}, pair, 'I32')), 'formats.dtype_not_float', {
      dtype: 'I32',
    });
    await expectGraftError(() => readAdapter(new MemoryFolder('x')), 'formats.adapter_missing', {
      file: 'adapter_config.json',
    });
    const config = JSON.stringify({ peft_type: 'LORA', r: 2, lora_alpha: 8 });
    const withConfig = new MemoryFolder('x', { 'adapter_config.json': config });
    await expectGraftError(() => readAdapter(withConfig), 'formats.adapter_missing', {
      file: 'adapter_model.safetensors',
    });
    const pickle = new MemoryFolder('x', { 'adapter_config.json': config, 'adapter_model.bin': '' });
    await expectGraftError(() => readAdapter(pickle), 'formats.adapter_pickle', { folder: 'x' });
    for (const [text, code] of [
      ['{', 'storage.bad_json'],
      ['[]', 'storage.not_object'],
    ] as const) {
      await expectGraftError(() => readAdapter(new MemoryFolder('x', { 'adapter_config.json': text })), code);
    }
  });
});

describe('writeAdapter', () => {
  const adapter = (fields: Partial<PeftAdapter['config']> = {}, scale = 2): PeftAdapter => ({
    config: newPeftConfig({
      r: 1,
      lora_alpha: 2,
      target_modules: ['v_proj', 'q_proj'],
      base_model_name_or_path: 'basé',
      ...fields,
    }),
    modules: new Map(
      ['model.layers.2.self_attn.q_proj', 'model.layers.10.self_attn.v_proj'].map((name) => [
        name,
        {
          rank: 1,
          scale,
          a: new Float32Array([1, 2]),
          b: new Float32Array([3, 4, 5]),
          inFeatures: 2,
          outFeatures: 3,
        },
      ]),
    ),
  });

  it('writes sorted keys in F32 and the config as PEFT does', async () => {
    const folder = new MemoryFolder('out');
    await writeAdapter(folder, adapter({ inference_mode: false }));
    const file = await openSafetensors(await folder.open('adapter_model.safetensors'));
    expect([...file.tensors.values()].map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ['base_model.model.model.layers.10.self_attn.v_proj.lora_A.weight', 'F32', [1, 2]],
      ['base_model.model.model.layers.10.self_attn.v_proj.lora_B.weight', 'F32', [3, 1]],
      ['base_model.model.model.layers.2.self_attn.q_proj.lora_A.weight', 'F32', [1, 2]],
      ['base_model.model.model.layers.2.self_attn.q_proj.lora_B.weight', 'F32', [3, 1]],
    ]);
    expect([...file.metadata]).toEqual([['format', 'pt']]);
    expect(await readText(folder, 'adapter_config.json')).toBe(`{
  "alpha_pattern": {},
  "base_model_name_or_path": "bas\\u00e9",
  "bias": "none",
  "fan_in_fan_out": false,
  "inference_mode": true,
  "init_lora_weights": true,
  "layers_pattern": null,
  "layers_to_transform": null,
  "lora_alpha": 2,
  "lora_dropout": 0,
  "modules_to_save": null,
  "peft_type": "LORA",
  "r": 1,
  "rank_pattern": {},
  "revision": null,
  "target_modules": [
    "q_proj",
    "v_proj"
  ],
  "task_type": "CAUSAL_LM",
  "use_dora": false,
  "use_rslora": false
}`);
    expect((await readAdapter(folder)).modules).toEqual(adapter().modules);
  });

  it.for(allRuns)(
    'gives the adapter of %s back: the same weights file to the byte, the same config',
    async (run, context) => {
      needRun(context, run);
      const source = goldenFolder(run, 'final_adapter');
      const read = await readAdapter(source);
      const out = new MemoryFolder('out');
      await writeAdapter(out, read);
      const original = await source.open('adapter_model.safetensors');
      const written = out.files.get('adapter_model.safetensors')!;
      expect(Buffer.compare(written, await original.read(0, original.size))).toBe(0);
      const config = (await readJson(source, 'adapter_config.json')) as { target_modules: string[] };
      expect(await readJson(out, 'adapter_config.json')).toMatchObject({
        ...config,
        target_modules: [...config.target_modules].sort(),
      });
    },
  );

  it('refuses modules that the config would read differently, and writes nothing', async () => {
    const folder = new MemoryFolder('out');
    await expectGraftError(() => writeAdapter(folder, adapter({}, 4)), 'formats.adapter_scale', {
      scale: 4,
      expected: 2,
    });
    await expectGraftError(
      () => writeAdapter(folder, adapter({ r: 2, lora_alpha: 4 })),
      'formats.adapter_shape',
    );
    const short = adapter();
    short.modules.get('model.layers.2.self_attn.q_proj')!.b = new Float32Array(2);
    await expectGraftError(() => writeAdapter(folder, short), 'formats.adapter_shape');
    expect(folder.files.size).toBe(0);
  });
});

describe('rankAndScale', () => {
  it('matches whole names or their ends after a dot, the first key first', () => {
    const config = newPeftConfig({
      r: 8,
      lora_alpha: 16,
      rank_pattern: {
        'layers.(1|2).mlp.up_proj': 4,
        up_proj: 2,
        '^down_proj': 32,
        '.*\\.k_proj': 1,
        o_proj: 64,
      },
    });
    const rank = (module: string): number => rankAndScale(config, module).rank;
    expect(rank('model.layers.1.mlp.up_proj')).toBe(4);
    expect(rank('model.layers.11.mlp.up_proj')).toBe(2);
    expect(rank('model.layers.0.mlp.down_proj')).toBe(8);
    expect(rank('down_proj')).toBe(32);
    expect(rank('model.layers.0.self_attn.k_proj')).toBe(1);
    expect(rank('model.layers.0.self_attn.xo_proj')).toBe(8);
    expect(rank('o_proj')).toBe(64);
    expect(rankAndScale(config, 'up_proj').scale).toBe(8);
  });

  it.each([
    ['(', 'it is not a regular expression'],
    ['[', 'it is not a regular expression'],
    ['(?<=a)b', 'it uses Python regular expression syntax that Graft does not support'],
    ['x'.repeat(30_000), 'it expands too far'],
  ])('refuses the pattern %s', async (pattern, problem) => {
    const config = newPeftConfig({ alpha_pattern: { [pattern]: 1 } });
    await expectGraftError(() => rankAndScale(config, 'q_proj'), 'formats.adapter_pattern', {
      field: 'alpha_pattern',
      problem,
    });
  });

  it.each(['(a+)+b', '(a|a)*b', 'a*a*a*a*b', '.*.*.*(a|a|a|a)b', '(a?)(a?)(a?)(a?)(a?)a*b'])(
    'ends where backtracking would not come back: %s',
    (pattern) => {
      const config = newPeftConfig({ rank_pattern: { [pattern]: 1 } });
      expect(rankAndScale(config, 'a'.repeat(1000)).rank).toBe(config.r);
      expect(rankAndScale(config, `model.${'a'.repeat(1000)}b`).rank).toBe(1);
    },
  );
});
