import { beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../content/formats/checkpoint.ts';
import { decodeFloats, encodeFloats } from '../../../base/lib/floats.ts';
import { encodeSafetensors } from '../../../content/formats/safetensorsWriter.ts';
import type { Gpu } from '../../gpu/device.ts';
import { readBytes } from '../../gpu/transfer.ts';
import { MemoryFolder } from '../../../base/storage/memoryFolder.ts';
import type { Folder } from '../../../base/storage/types.ts';
import { expectClose, randomArray } from '../../../testing/compare.ts';
import { caught, expectGraftError } from '../../../testing/errors.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import {
  batchOf,
  logitsOfSequence,
  lossesAndGrads,
  randomizeAdapter,
  randomRows,
  withMaxBinding,
} from '../../../testing/passes.ts';
import {
  replaceTensor,
  tinyModel,
  type TinyModelOptions,
  type TinyTensor,
} from '../../../testing/tinyModel.ts';
import { Decoder, withoutAdapter } from '../decoder/decoder.ts';
import { LoraAdapter } from '../trained/loraAdapter.ts';
import { planLora } from '../trained/loraModules.ts';
import { loadFloatMatrix } from './load/floatMatrix.ts';
import { LoadContext } from './load/loadContext.ts';
import { closeDecoder } from './openDecoder.ts';
import { openModelFiles } from '../spec/openModel.ts';
import { ResidentWeights } from './residentWeights.ts';
import { StreamedWeights } from './streamedWeights.ts';
import { asStored } from './weightStorage.ts';

const ids = [1, 7, 39, 0, 12, 12];

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

async function open(folder: Folder, { halve = false, on = gpu } = {}): Promise<Decoder> {
  const files = await openModelFiles(folder);
  return new Decoder(on, files.spec, await ResidentWeights.load(on, files, { ...asStored, halve }), 'f32');
}

async function baseLogits(folder: Folder, options?: { halve?: boolean }): Promise<Float32Array> {
  const decoder = await open(folder, options);
  const logits = await logitsOfSequence(decoder, withoutAdapter, ids);
  closeDecoder(decoder);
  return logits;
}

/** Every tensor rounded to `dtype`, but stored as F32. */
function roundedTo(dtype: string) {
  return (tensors: TinyTensor[]) =>
    tensors.map((tensor) => {
      const rounded = encodeFloats(decodeFloats(tensor.bytes, 'F32'), dtype);
      return { ...tensor, bytes: encodeFloats(decodeFloats(rounded, dtype), 'F32') };
    });
}

describe('storage', () => {
  // 33 columns, so that rows of packed weights start within a word.
  const odd = { hidden_size: 33, head_dim: 8, attention_bias: true };

  it.each(['BF16', 'F16'])('%s weights give the same bits as the same values in F32', async (dtype) => {
    const stored = await baseLogits(tinyModel({ config: odd, dtype }));
    const asF32 = await baseLogits(tinyModel({ config: odd, edit: roundedTo(dtype) }));
    expect(stored).toEqual(asF32);
    expect(asF32).not.toEqual(await baseLogits(tinyModel({ config: odd })));
  });

  it('stores F32 matrices as f16 on request, with one rounding, but not norms', async () => {
    const halved = await baseLogits(tinyModel({ config: odd }), { halve: true });
    const matricesOnly = (tensors: TinyTensor[]) => {
      const rounded = roundedTo('F16')(tensors);
      return tensors.map((tensor, i) => (tensor.shape.length === 2 ? rounded[i]! : tensor));
    };
    expect(halved).toEqual(await baseLogits(tinyModel({ config: odd, edit: matricesOnly })));
  });

  it('mixes dtypes in one model', async () => {
    const mixed = (name: string) => (name.includes('norm') ? 'F32' : name.includes('mlp') ? 'F16' : 'BF16');
    const rounding = (tensors: TinyTensor[]) =>
      tensors.map((tensor) => roundedTo(mixed(tensor.name))([tensor])[0]!);
    expect(await baseLogits(tinyModel({ config: odd, dtype: mixed }))).toEqual(
      await baseLogits(tinyModel({ config: odd, edit: rounding })),
    );
  });
});

describe('a matrix of more than 16 MiB', () => {
  it.each([false, true])('is loaded in pieces, halved: %s', async (halve) => {
    const [rows, columns] = [70_001, 64];
    const values = randomArray(1, rows * columns);
    const bytes = encodeFloats(values, 'F32');
    const name = 'table';
    const file = encodeSafetensors([{ name, dtype: 'F32', shape: [rows, columns], bytes }]);
    const checkpoint = await openCheckpoint(new MemoryFolder('large', { 'model.safetensors': file }));
    const reads: number[] = [];
    const context = new LoadContext(gpu, checkpoint, (n) => reads.push(n));
    const matrix = { kind: 'float', tensor: name, dtype: 'F32' } as const;
    const { chunks } = await loadFloatMatrix(context, matrix, [rows, columns], halve);
    expect(reads.length).toBeGreaterThan(1);
    expect(reads.reduce((sum, n) => sum + n, 0)).toBe(rows * columns * 4);
    expect(chunks.length).toBe(1);
    const stored = await readBytes(gpu, chunks[0]!.data);
    const expected = encodeFloats(values, halve ? 'F16' : 'F32');
    // One comparison instead of millions of matchers.
    expect(stored.findIndex((byte, i) => byte !== expected[i])).toBe(-1);
    expect(stored.byteLength).toBe(expected.byteLength);
    context.dispose();
  });
});

describe('row chunks', () => {
  // Matrices of 150 and 160 rows; 64 is the smallest chunk.
  const config = { intermediate_size: 160, vocab_size: 150, attention_bias: true, mlp_bias: true };

  async function run(on: Gpu, options: TinyModelOptions) {
    const decoder = await open(tinyModel({ config, ...options }), { on });
    const head = await (await decoder.weights.vocabulary('head')).part(0);
    const adapter = new LoraAdapter(
      on,
      planLora(decoder.spec, { rank: 4, alpha: 8, rslora: false, targets: 'all-linear', layers: 'all' }),
    );
    randomizeAdapter(adapter);
    const rows = randomRows([5, 3], { vocab: 150 });
    const result = await lossesAndGrads(decoder, adapter, batchOf(rows));
    const logits = await logitsOfSequence(decoder, { adapter, strength: 1, dropout: null }, [149, 64, 63, 0]);
    adapter.dispose();
    closeDecoder(decoder);
    return { ...result, logits, chunks: head.chunks.map(({ rowStart, rows: n }) => [rowStart, n]) };
  }

  it.each(['F32', 'BF16'])('give the same as the whole %s matrix', async (dtype) => {
    const whole = await run(gpu, { dtype });
    const split = await run(withMaxBinding(gpu, 32 * 4 * 64), { dtype });
    expect(whole.chunks).toEqual([[0, 150]]);
    expect(split.chunks.map(([, n]) => n)).toEqual([64, 64, 22]);
    // Each logit is one dot product either way; losses and gradients are summed in another order.
    expect(split.logits).toEqual(whole.logits);
    expectClose(split.losses, whole.losses, { atol: 1e-6 });
    const largest = whole.grads.reduce((max, g) => Math.max(max, Math.abs(g)), 0);
    expectClose(split.grads, whole.grads, { atol: 2e-6 * largest });
  });
});

describe('sources', () => {
  const qwen3 = { model_type: 'qwen3', architectures: ['Qwen3ForCausalLM'], head_dim: 8 };

  it.each([
    ['tied, with head norms', { ...qwen3, tie_word_embeddings: true }, 1],
    ['untied', {}, 2],
  ])('resident and streamed weights give the same bits: %s', async (_, config, matrices) => {
    const files = await openModelFiles(tinyModel({ config, dtype: 'BF16', firstShard: 6 }));
    const resident = await ResidentWeights.load(gpu, files, asStored);
    const first = new Decoder(gpu, files.spec, resident, 'f32');
    const expected = await logitsOfSequence(first, withoutAdapter, ids);
    closeDecoder(first);

    const second = new Decoder(gpu, files.spec, new StreamedWeights(gpu, files, asStored), 'f32');
    const empty = gpu.memory.bytes;
    expect(await logitsOfSequence(second, withoutAdapter, ids)).toEqual(expected);
    expect(await logitsOfSequence(second, withoutAdapter, ids)).toEqual(expected);
    // Between passes, embedding, head, final norm and one block are in memory.
    second.workspace.dispose();
    const ends = matrices * 40 * 32 * 2 + 32 * 4;
    const blocks = [...files.matrices].filter(([module]) => module.includes('.layers.'));
    expect(blocks).toHaveLength(14);
    const block = first.weights;
    expect(block.streams).toBe(false);
    expect(gpu.memory.bytes - empty).toBeGreaterThan(ends);
    expect(gpu.memory.bytes - empty).toBeLessThan(ends + (files.checkpoint.totalBytes - ends) * 0.75);
    closeDecoder(second);
  });

  it('reports the bytes read', async () => {
    const files = await openModelFiles(tinyModel());
    const shares: number[] = [];
    const weights = await ResidentWeights.load(gpu, files, asStored, (done, total) =>
      shares.push(done / total),
    );
    weights.dispose();
    expect(shares.at(-1)).toBe(1);
    expect(shares.every((share, i) => i === 0 || share >= shares[i - 1]!)).toBe(true);
  });
});

describe('failures', () => {
  const last = 'model.layers.1.mlp.down_proj.weight';
  const asDtype = (name: string, dtype: string, width: number) => (tensors: TinyTensor[]) =>
    replaceTensor(tensors, name, ({ shape }) => ({
      dtype,
      bytes: new Uint8Array(width * shape.reduce((a, b) => a * b, 1)),
    }));

  it.each([
    [last, 'F64', 8],
    [last, 'I32', 4],
    ['model.norm.weight', 'F64', 8],
    ['model.embed_tokens.weight', 'F8_E4M3', 1],
  ])('name %s stored as %s, and leave nothing on the GPU', async (tensor, dtype, width) => {
    // Bypasses the check of the headers, which would report it first.
    const opened = await openModelFiles(tinyModel());
    const checkpoint = await openCheckpoint(tinyModel({ edit: asDtype(tensor, dtype, width) }));
    const matrix = { kind: 'float', tensor, dtype } as const;
    const matrices = new Map([...opened.matrices, [tensor.replace(/\.weight$/, ''), matrix]]);
    const files = { ...opened, checkpoint, matrices };
    const params = { tensor, dtype };
    const load = () => ResidentWeights.load(gpu, files, asStored);
    await expectGraftError(load, 'model.tensor_dtype', params);

    const decoder = new Decoder(gpu, files.spec, new StreamedWeights(gpu, files, asStored), 'f32');
    await expectGraftError(
      () => logitsOfSequence(decoder, withoutAdapter, ids),
      'model.tensor_dtype',
      params,
    );
    closeDecoder(decoder);
  });

  it('of a read leave nothing on the GPU', async () => {
    const folder = tinyModel();
    const files = await openModelFiles(folder);
    const { source } = [...files.checkpoint.tensors.values()].at(-1)!.file;
    const read = source.read.bind(source);
    source.read = (offset, length) =>
      offset + length < source.size ? read(offset, length) : Promise.reject(new Error('gone'));
    const load = () => ResidentWeights.load(gpu, files, asStored);
    expect(await caught(load)).toMatchObject({ message: 'gone' });
  });
});
