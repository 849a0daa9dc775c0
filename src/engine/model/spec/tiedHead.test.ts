import { describe, expect, it } from 'vitest';
import { decodeFloats, encodeFloats } from '../../../base/lib/floats.ts';
import { tinyModel, type TinyTensor } from '../../../testing/tinyModel.ts';
import { openModelFiles, openModelHeaders } from './openModel.ts';

const config = { tie_word_embeddings: true };
const HEAD = 'lm_head.weight';

/** A tied model whose files also hold a head. */
const withHead = (head: (table: TinyTensor) => Partial<TinyTensor>) =>
  tinyModel({
    config,
    edit: (tensors) => [...tensors, { ...tensors[0]!, ...head(tensors[0]!), name: HEAD }],
  });

const changed = (row: number) =>
  withHead(({ bytes }) => {
    const values = Float32Array.from(decodeFloats(bytes, 'F32'));
    values[row * 32 + 5]! += 0.25;
    return { bytes: encodeFloats(values, 'F32') };
  });

describe('a tied model that stores its head', () => {
  it('is tied if the head is a copy, in any dtype', async () => {
    expect((await openModelFiles(withHead(() => ({})))).spec.tied).toBe(true);
    const folder = tinyModel({
      config,
      dtype: 'BF16',
      edit: (tensors) => {
        const { bytes } = tensors[0]!;
        const wide = encodeFloats(decodeFloats(bytes, 'BF16'), 'F32');
        return [...tensors, { ...tensors[0]!, name: HEAD, dtype: 'F32', bytes: wide }];
      },
    });
    expect((await openModelFiles(folder)).spec.tied).toBe(true);
  });

  it('has its own head if one value differs', async () => {
    const { spec, matrices } = await openModelFiles(changed(23));
    expect(spec.tied).toBe(false);
    expect(matrices.get('lm_head')).toMatchObject({ kind: 'float', tensor: HEAD });
  });

  it('is recognized by some rows if only headers are read', async () => {
    expect((await openModelHeaders(changed(0))).spec.tied).toBe(false);
    expect((await openModelHeaders(withHead(() => ({})))).spec.tied).toBe(true);
  });

  it('takes the embedding from the head if it is missing', async () => {
    const edit = (tensors: TinyTensor[]) => tensors.map((t, i) => (i === 0 ? { ...t, name: HEAD } : t));
    const { spec, checkpoint, matrices } = await openModelFiles(tinyModel({ config, edit }));
    expect(spec.tied).toBe(true);
    expect(checkpoint.tensors.has(HEAD)).toBe(false);
    expect(matrices.get('model.embed_tokens')).toMatchObject({ tensor: 'model.embed_tokens.weight' });
    const whole = await openModelFiles(tinyModel({ config }));
    expect(await checkpoint.read('model.embed_tokens.weight')).toEqual(
      await whole.checkpoint.read('model.embed_tokens.weight'),
    );
  });
});
