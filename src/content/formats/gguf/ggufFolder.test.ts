import { describe, expect, it } from 'vitest';
import { bytesSource } from '../../../base/storage/byteSource.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { tinyGguf } from '../../../testing/gguf.ts';
import { openCheckpoint } from '../checkpoint.ts';
import { readJsonObject } from '../text.ts';
import { ggufFolder } from './ggufFolder.ts';

const open = (bytes: Uint8Array) => ggufFolder(bytesSource('tiny.gguf', bytes));
/** The file with one number of 32 or 64 bits changed. */
const changed = (at: number, value: bigint | number) => {
  const bytes = tinyGguf();
  const view = new DataView(bytes.buffer);
  if (typeof value === 'bigint') view.setBigUint64(at, value, true);
  else view.setUint32(at, value, true);
  return bytes;
};

describe('a GGUF file', () => {
  it('is a model folder: config, tokenizer and weights', async () => {
    const folder = await open(tinyGguf());
    expect(folder.gguf.types).toEqual([
      { type: 'Q8_0', tensors: 8 },
      { type: 'F32', tensors: 3 },
    ]);
    expect(await readJsonObject(folder, 'config.json')).toMatchObject({
      model_type: 'llama',
      num_key_value_heads: 2,
      head_dim: 16,
      vocab_size: 4,
      rms_norm_eps: 0.00001,
      tie_word_embeddings: true,
    });
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.get('model.layers.0.self_attn.q_proj.weight').info).toMatchObject({
      dtype: 'F16',
      shape: [32, 32],
    });
  });

  it.each([
    ['cut off in its header', tinyGguf().slice(0, 300), 'formats.gguf_string'],
    ['cut off in a number', tinyGguf().slice(0, 10), 'formats.gguf_truncated'],
    ['cut off in its data', tinyGguf().slice(0, -4000), 'formats.tensor_beyond_file'],
    ['of another kind', Uint8Array.from({ length: 64 }, (_, i) => i + 128), 'formats.gguf_magic'],
    ['of version 1', changed(4, 1), 'formats.gguf_version'],
    ['for big-endian machines', changed(4, 0x03000000), 'formats.gguf_big_endian'],
    ['with too many tensors', changed(8, 1n << 40n), 'formats.gguf_count'],
    ['with too many keys', changed(16, (1n << 63n) - 1n), 'formats.gguf_count'],
    ['with a key of a lying length', changed(24, 1n << 33n), 'formats.gguf_string'],
    [
      'with a key of an unknown type',
      changed(24 + 8 + 'general.architecture'.length, 99),
      'formats.gguf_value',
    ],
    [
      'with an odd alignment',
      tinyGguf([{ key: 'general.alignment', type: 'u32', value: 24 }]),
      'formats.gguf_alignment',
    ],
    [
      'of another architecture',
      tinyGguf([{ key: 'general.architecture', type: 'string', value: 'mamba' }]),
      'formats.gguf_architecture',
    ],
    ['without sizes', tinyGguf([], 'llama.block_count'), 'formats.gguf_key_missing'],
    ['without a tokenizer', tinyGguf([], 'tokenizer.ggml.model'), 'formats.gguf_no_tokenizer'],
    [
      'with an unknown pre-tokenizer',
      tinyGguf([{ key: 'tokenizer.ggml.pre', type: 'string', value: 'odd' }]),
      'formats.gguf_pre',
    ],
    ['in parts', tinyGguf([{ key: 'split.count', type: 'u32', value: 3 }]), 'formats.gguf_split'],
  ] as const)('%s is refused by name', async (_name, bytes, code) => {
    await expectGraftError(() => open(bytes), code);
  });
});
