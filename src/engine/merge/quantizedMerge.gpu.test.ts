import { beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../content/formats/checkpoint.ts';
import { decodeFloats, encodeFloats } from '../../base/lib/floats.ts';
import {
  dequantizeRef,
  nestedAbsmaxRef,
  dequantizeBnbRef,
} from '../../content/formats/quantized/dequantize.ref.ts';
import { dynamicMap } from '../../content/formats/quantized/dynamicMap.ts';
import { nestAbsmaxRef, quantizeNf4Ref } from '../../content/formats/quantized/nf4.ref.ts';
import type { Gpu } from '../gpu/device.ts';
import { mergeLoraRef } from '../kernels/mergeLora.ref.ts';
import { openModelFiles, type ModelFiles } from '../model/spec/openModel.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { int4Model } from '../../testing/int4Model.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { randomPeft } from '../../testing/mergeAdapter.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { mergeJob, type MergeChoices, type MergeJob } from './mergeJob.ts';
import { mergeModel } from './mergeModel.ts';
import { verifyMerge } from './verifyMerge.ts';

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

async function write(job: MergeJob, maxShardBytes = 1e9) {
  const folder = new MemoryFolder('merged');
  await mergeModel(gpu, job, folder, { maxShardBytes });
  return { folder, files: await openModelFiles(folder) };
}

async function writeProved(job: MergeJob, maxShardBytes?: number) {
  const result = await write(job, maxShardBytes);
  return { ...result, proof: await verifyMerge(gpu, job, result.folder) };
}

/** A matrix of a model, in plain loops. */
async function valuesOf({ checkpoint, quantization, matrices }: ModelFiles, module: string, size: number[]) {
  return dequantizeRef(checkpoint, quantization, matrices.get(module)!, size[0]!, size[1]!);
}

const configOf = ({ files }: MemoryFolder): Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(files.get('config.json'))) as Record<string, unknown>;

/** 4-bit values of a float matrix as QLoRA trains on them. */
function nf4Values(values: Float32Array, doubleQuant: boolean): Float32Array {
  const { codes, absmax } = quantizeNf4Ref(values);
  if (!doubleQuant) return dequantizeBnbRef(codes, absmax, 'nf4', 64, values.length);
  const { codes: nested, absmax: top, offset } = nestAbsmaxRef(absmax);
  const scales = nestedAbsmaxRef(nested, dynamicMap(true), top, 256, offset);
  return dequantizeBnbRef(codes, scales, 'nf4', 64, values.length);
}

/** Widths at which blocks of 64 straddle rows. */
const odd = { hidden_size: 36, head_dim: 8, intermediate_size: 52 };
const qProj = 'model.layers.1.self_attn.q_proj';
const gateProj = 'model.layers.0.mlp.gate_proj';

describe('a merge onto dequantized weights', () => {
  it.each([
    ['BF16', false, 2 ** -8],
    ['F16', true, 2 ** -11],
    ['F32', true, 2 ** -20],
  ] as const)('of a %s base is its NF4 weights plus the adapter, nested: %s', async (dtype, nested, u) => {
    const base = await openModelFiles(tinyModel({ dtype, config: odd }));
    const adapter = randomPeft(base);
    const choices = { onto: 'dequantized', trainedDoubleQuant: nested } as const;
    const { folder, files, proof } = await writeProved(mergeJob(base, adapter, choices));
    expect(proof).toMatchObject({ tensors: 21, changedTensors: 14, quantizationLogitDifference: null });
    expect(folder.files.get('config.json')).toEqual(
      await base.folder.open('config.json').then((file) => file.read(0, file.size)),
    );
    for (const [module, size] of [
      [qProj, [32, 36]],
      [gateProj, [52, 36]],
    ] as const) {
      const w = nf4Values(await valuesOf(base, module, [...size]), nested);
      const lora = adapter.modules.get(module);
      const exact = lora ? mergeLoraRef(w, lora.a, lora.b, size[1], lora.rank, lora.scale) : w;
      const written = await valuesOf(files, module, [...size]);
      const wrong = written.findIndex((v, i) => !(Math.abs(v - exact[i]!) <= u * Math.abs(exact[i]!) + 1e-6));
      expect(wrong, `${module}[${wrong}]`).toBe(-1);
    }
  });
});

describe('a result in NF4', () => {
  it.each([
    ['BF16', {}, true],
    ['BF16', { doubleQuant: true }, true],
    ['F32', { doubleQuant: true }, false],
    ['F16', {}, false],
  ] as const)('of a %s model, %o, has the codes of the float result', async (dtype, extra, tuned) => {
    const quantize = { doubleQuant: false, ...extra };
    const base = await openModelFiles(tinyModel({ dtype, config: odd }));
    const adapter = tuned ? randomPeft(base) : null;
    const { files, folder, proof } = await writeProved(mergeJob(base, adapter, { quantize }), 6000);
    expect(proof.quantizationLogitDifference).toBeGreaterThan(proof.maxLogitDifference);
    const float = adapter ? (await write(mergeJob(base, adapter))).files : base;
    for (const [module, size] of [
      [qProj, [32, 36]],
      [gateProj, [52, 36]],
    ] as const) {
      const values = await valuesOf(float, module, [...size]);
      const { codes, absmax } = quantizeNf4Ref(values);
      expect(await files.checkpoint.read(`${module}.weight`)).toEqual(codes);
      if (!quantize.doubleQuant) {
        const bytes = await files.checkpoint.read(`${module}.weight.absmax`);
        expect(bytes).toEqual(encodeFloats(absmax, 'F32'));
      }
      expect(files.matrices.get(module)).toMatchObject({ kind: 'bnb', dtype, blockSize: 64 });
    }
    for (const name of ['model.embed_tokens.weight', 'lm_head.weight', 'model.norm.weight']) {
      expect(await files.checkpoint.read(name)).toEqual(await base.checkpoint.read(name));
    }
    expect(configOf(folder).quantization_config).toMatchObject({
      quant_method: 'bitsandbytes',
      bnb_4bit_quant_type: 'nf4',
      bnb_4bit_use_double_quant: quantize.doubleQuant,
      llm_int8_skip_modules: ['lm_head'],
    });
  });

  it('has the same bytes for any shards, even below the size of a quant_state', async () => {
    const base = await openModelFiles(tinyModel({ dtype: 'BF16' }));
    const job = mergeJob(base, null, { quantize: { doubleQuant: true } });
    const whole = (await write(job)).files.checkpoint;
    for (const size of [100, 900, 5000]) {
      const { files, proof } = await writeProved(job, size);
      expect(files.checkpoint.files.length).toBeGreaterThan(3);
      expect(proof.tensors).toBe(whole.tensors.size);
      for (const name of whole.tensors.keys()) {
        expect(await files.checkpoint.read(name)).toEqual(await whole.read(name));
      }
    }
  });

  it('fails its proof for one flipped bit of codes or absmax', async () => {
    const base = await openModelFiles(tinyModel({ dtype: 'BF16' }));
    const job = mergeJob(base, randomPeft(base), { quantize: { doubleQuant: false } });
    for (const [tensor, detail] of [
      [`${qProj}.weight`, /q_proj/],
      [`${qProj}.weight.absmax`, /q_proj/],
      ['model.norm.weight', /without an adapter/],
    ] as const) {
      const { folder } = await write(job);
      const { file, info } = (await openCheckpoint(folder)).get(tensor);
      folder.files.get(file.source.name)![file.dataStart + info.begin + 3]! ^= 1;
      await expectGraftError(() => verifyMerge(gpu, job, folder), 'merge.proof_failed', {
        detail: expect.stringMatching(detail) as string,
      });
    }
  });
});

describe('a quantized base', () => {
  const files = { 'quantize_config.json': '{}', 'tokenizer.json': '{}' };

  it.each(['gptq', 'awq'] as const)('by %s becomes a plain model', async (kind) => {
    const base = await openModelFiles(int4Model(kind, { files }));
    const adapter = randomPeft(base);
    const { folder, files: merged } = await writeProved(mergeJob(base, adapter, { onto: 'dequantized' }));
    expect([...merged.checkpoint.tensors.keys()].sort()).toEqual(
      [...(await openCheckpoint(tinyModel())).tensors.keys()].sort(),
    );
    expect([...folder.files.keys()].sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
    expect(configOf(folder)).not.toHaveProperty('quantization_config');
    expect(configOf(folder).torch_dtype).toBe('float16');
    const module = adapter.modules.get(qProj)!;
    const w = await valuesOf(base, qProj, [32, 32]);
    const exact = Float32Array.from(mergeLoraRef(w, module.a, module.b, 32, module.rank, module.scale));
    const written = await valuesOf(merged, qProj, [32, 32]);
    expect(merged.matrices.get(qProj)).toMatchObject({ kind: 'float', dtype: 'F16' });
    const wrong = written.findIndex(
      (v, i) => Math.abs(v - exact[i]!) > 2 ** -11 * Math.abs(exact[i]!) + 1e-6,
    );
    expect(wrong).toBe(-1);
    const untouched = decodeFloats(encodeFloats(await valuesOf(base, gateProj, [40, 32]), 'F16'), 'F16');
    expect(await valuesOf(merged, gateProj, [40, 32])).toEqual(untouched);
  });

  it.each([true, false])(
    'by bitsandbytes becomes a plain model in its original dtype, nested: %s',
    async (nested) => {
      const source = await openModelFiles(tinyModel({ dtype: 'BF16', config: odd }));
      const quantize = { doubleQuant: nested };
      const base = (await write(mergeJob(source, null, { quantize }))).files;
      const { files: merged, folder } = await writeProved(
        mergeJob(base, null, { onto: 'dequantized' }),
        4000,
      );
      expect(configOf(folder)).not.toHaveProperty('quantization_config');
      expect(configOf(folder).torch_dtype).toBe('bfloat16');
      expect([...merged.checkpoint.tensors.keys()].sort()).toEqual(
        [...source.checkpoint.tensors.keys()].sort(),
      );
      const wanted = decodeFloats(encodeFloats(await valuesOf(base, gateProj, [52, 36]), 'BF16'), 'BF16');
      expect(await valuesOf(merged, gateProj, [52, 36])).toEqual(wanted);
      // The same as quantizing and dequantizing it.
      const choices: Partial<MergeChoices> = { onto: 'dequantized', trainedDoubleQuant: nested };
      const direct = (await write(mergeJob(source, null, choices))).files;
      for (const name of merged.checkpoint.tensors.keys()) {
        expect(await merged.checkpoint.read(name), name).toEqual(await direct.checkpoint.read(name));
      }
    },
  );

  it('can be written in NF4', async () => {
    const base = await openModelFiles(int4Model('gptq'));
    const choices = { onto: 'dequantized', quantize: { doubleQuant: true } } as const;
    const { files: merged } = await writeProved(mergeJob(base, randomPeft(base), choices));
    expect(merged.quantization).toMatchObject({ method: 'bitsandbytes', doubleQuant: true });
  });

  it('has no original weights, and rejects biases that are not zero', async () => {
    const base = await openModelFiles(int4Model('gptq', { bias: 0.5 }));
    const start = (job: MergeJob) => mergeModel(gpu, job, new MemoryFolder('none'), { maxShardBytes: 1e9 });
    const adapter = randomPeft(base);
    await expectGraftError(() => start(mergeJob(base, adapter)), 'merge.base_quantized', { method: 'gptq' });
    const again = mergeJob(base, null, { quantize: { doubleQuant: false } });
    await expectGraftError(() => start(again), 'merge.already_quantized', { method: 'gptq' });
    const onto = mergeJob(base, adapter, { onto: 'dequantized' });
    await expectGraftError(() => start(onto), 'merge.bias_without_place', {
      tensor: 'model.layers.0.self_attn.q_proj.bias',
    });
  });
});
