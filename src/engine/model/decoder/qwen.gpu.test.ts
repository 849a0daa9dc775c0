import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../content/formats/checkpoint.ts';
import { encodeSafetensors } from '../../../content/formats/safetensorsWriter.ts';
import type { Gpu } from '../../gpu/device.ts';
import { MemoryFolder } from '../../../base/storage/memoryFolder.ts';
import { expectClose, randomArray } from '../../../testing/compare.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import { batchOf, lossesAndGrads, logitsOfSequence, modulesOf, randomRows } from '../../../testing/passes.ts';
import { qwenConfig, tinyModel } from '../../../testing/tinyModel.ts';
import { withoutAdapter, type Decoder } from './decoder.ts';
import { LoraAdapter } from '../trained/loraAdapter.ts';
import { planLora } from '../trained/loraModules.ts';
import { closeDecoder, openDecoder } from '../weights/openDecoder.ts';
import { openModelFiles } from '../spec/openModel.ts';

const [d, rank, heads] = [64, 4, 64];
const shape = { rank, alpha: 8, rslora: false, layers: 'all' as const, targets: 'all-linear' as const };

/** Qwen2's names for the tensors of the first Qwen; c_attn becomes three of them. */
const renamed: [RegExp, string][] = [
  [/^transformer\.wte/, 'model.embed_tokens'],
  [/^transformer\.ln_f/, 'model.norm'],
  [/^transformer\.h/, 'model.layers'],
  [/ln_1/, 'input_layernorm'],
  [/ln_2/, 'post_attention_layernorm'],
  [/attn\.c_proj/, 'self_attn.o_proj'],
  [/mlp\.w2/, 'mlp.gate_proj'],
  [/mlp\.w1/, 'mlp.up_proj'],
  [/mlp\.c_proj/, 'mlp.down_proj'],
];

const qwen2Name = (name: string) => renamed.reduce((text, [from, to]) => text.replace(from, to), name);

/** The same weights as a Qwen2, in which q, k and v are separate layers. */
async function asQwen2(qwen: MemoryFolder): Promise<MemoryFolder> {
  const checkpoint = await openCheckpoint(qwen);
  const tensors = [];
  for (const { info } of checkpoint.tensors.values()) {
    const { name, dtype, shape: size } = info;
    const bytes = await checkpoint.read(name);
    if (!name.includes('c_attn')) {
      tensors.push({ name: qwen2Name(name), dtype, shape: size, bytes });
      continue;
    }
    for (const [i, part] of ['q_proj', 'k_proj', 'v_proj'].entries()) {
      tensors.push({
        name: qwen2Name(name).replace('attn.c_attn', `self_attn.${part}`),
        dtype,
        shape: [heads, ...size.slice(1)],
        bytes: bytes.slice((i * bytes.length) / 3, ((i + 1) * bytes.length) / 3),
      });
    }
  }
  const config = {
    architectures: ['Qwen2ForCausalLM'],
    model_type: 'qwen2',
    hidden_size: d,
    intermediate_size: 48,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    vocab_size: 40,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    tie_word_embeddings: false,
  };
  return new MemoryFolder('as-qwen2', {
    'config.json': JSON.stringify(config),
    'model.safetensors': encodeSafetensors(tensors, { format: 'pt' }),
  });
}

refuseLeaks();

describe.each([null, { doubleQuant: false }])('the first Qwen, 4 bits: %j', (quantize) => {
  let gpu: Gpu;
  let qwen: Decoder;
  let qwen2: Decoder;
  beforeEach(async () => {
    gpu = await testGpu();
    const folder = tinyModel({ config: qwenConfig, dtype: 'BF16' });
    qwen = await openDecoder(gpu, await openModelFiles(folder), 'f32', { quantize });
    qwen2 = await openDecoder(gpu, await openModelFiles(await asQwen2(folder)), 'f32', { quantize });
  });
  afterEach(() => [qwen, qwen2].forEach(closeDecoder));

  it('has the same logits as the same model as a Qwen2', async () => {
    const ids = [1, 7, 39, 0, 12, 12, 5];
    const logits = await logitsOfSequence(qwen, withoutAdapter, ids);
    const others = await logitsOfSequence(qwen2, withoutAdapter, ids);
    expectClose(logits, others, { atol: 1e-5, rtol: 1e-5 });
  });

  it('has the same losses and gradients for equal adapters', async () => {
    const fused = new LoraAdapter(gpu, planLora(qwen.spec, shape));
    const split = new LoraAdapter(gpu, planLora(qwen2.spec, shape));
    fused.modules.forEach((module, seed) => {
      const { inFeatures, outFeatures } = module.linear;
      const a = randomArray(seed, rank * inFeatures, 0.3);
      const b = randomArray(100 + seed, outFeatures * rank, 0.3);
      fused.write(module, { a, b });
      twinsOf(split, module.path).forEach((twin, i) => {
        const size = twin.linear.outFeatures * rank;
        split.write(twin, { a, b: b.slice(i * size, (i + 1) * size) });
      });
    });
    const batch = batchOf(randomRows([5, 3]));
    const own = await lossesAndGrads(qwen, fused, batch);
    const other = await lossesAndGrads(qwen2, split, batch);
    expectClose(own.losses, other.losses, { atol: 1e-5, rtol: 1e-5 });
    const gradients = modulesOf(split, other.grads);
    for (const { module, a, b } of modulesOf(fused, own.grads)) {
      const twins = twinsOf(split, module.path).map((twin) =>
        gradients.find((found) => found.module === twin)!,
      );
      const dA = a.map((_, i) => twins.reduce((sum, twin) => sum + twin.a[i]!, 0));
      expectClose(a, dA, { atol: 1e-5, rtol: 1e-4 });
      expectClose(b, Float32Array.from(twins.flatMap((twin) => [...twin.b])), { atol: 1e-5, rtol: 1e-4 });
    }
    for (const adapter of [fused, split]) adapter.dispose();
  });

  it('uses the targets of its original scripts', () => {
    const targets = ['c_attn', 'c_proj', 'w1', 'w2'];
    const modules = planLora(qwen.spec, { ...shape, targets, layers: [1] });
    expect(modules.map(({ path }) => path)).toEqual([
      'transformer.h.1.attn.c_attn',
      'transformer.h.1.attn.c_proj',
      'transformer.h.1.mlp.w2',
      'transformer.h.1.mlp.w1',
      'transformer.h.1.mlp.c_proj',
    ]);
  });
});

/** The modules of the other adapter that correspond to a module of the first Qwen. */
function twinsOf(adapter: LoraAdapter, path: string) {
  const name = qwen2Name(path);
  const names = name.endsWith('c_attn')
    ? ['q', 'k', 'v'].map((part) => name.replace('attn.c_attn', `self_attn.${part}_proj`))
    : [name];
  return names.map((twin) => adapter.modules.find((module) => module.path === twin)!);
}
