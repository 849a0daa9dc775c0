import { describe, expect, it } from 'vitest';
import type { ErrorCode, ErrorParams } from '../../../base/lib/errors.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import {
  changed,
  checkpointOf,
  fixtureNames,
  openCase,
  type StoredTensor,
} from '../../../testing/quantizedFixtures.ts';
import { describeMatrix, tensorsOfMatrix } from './describe.ts';
import { describeStored } from './describeStored.ts';
import { gptqZeroOffset } from './gptqZeros.ts';

const plain = 'bnb-nf4-plain-bf16-96x40';
const nested = 'bnb-nf4-nested-bf16-96x40';
const ordered = 'gptq-v1-sym-g128-8x640';
const actOrder = 'gptq-v1-sym-g32-order-16x160';
const awq = 'awq-g32-32x160';

type Change = null | ((tensor: StoredTensor) => Partial<StoredTensor>);

/** The same bytes under another shape or dtype. */
const as =
  (shape: number[], dtype?: string): Change =>
  () => ({ shape, ...(dtype && { dtype }) });

/** The leading bytes of a tensor, in a shape that they fill. */
const cut =
  (shape: number[], bytes: number): Change =>
  (tensor) => ({ shape, bytes: tensor.bytes.slice(0, bytes) });

/** A quant_state with some fields changed. */
const state =
  (fields: Record<string, unknown>): Change =>
  ({ bytes }) =>
    text(JSON.stringify({ ...(JSON.parse(new TextDecoder().decode(bytes)) as object), ...fields }));

function text(json: string): Partial<StoredTensor> {
  const bytes = new TextEncoder().encode(json);
  return { bytes, shape: [bytes.length] };
}

/** The bytes with i32 or f32 number `index` changed. */
const number =
  (index: number, value: number, kind: 'i32' | 'f32'): Change =>
  ({ bytes }) => {
    const copy = bytes.slice();
    const view = new DataView(copy.buffer);
    if (kind === 'i32') view.setInt32(4 * index, value, true);
    else view.setFloat32(4 * index, value, true);
    return { bytes: copy };
  };

describe('describeMatrix', () => {
  it.each([...fixtureNames('bnb'), ...fixtureNames('gptq'), ...fixtureNames('awq')])(
    'knows every tensor of %s by its header',
    async (name) => {
      const { checkpoint, quantization, module, rows, cols } = await openCase(name);
      const stored = describeMatrix(checkpoint, quantization, module, rows, cols);
      const own = [...checkpoint.tensors.keys()].filter(
        (tensor) => tensor.startsWith('proj.') && tensor !== 'proj.bias',
      );
      expect(tensorsOfMatrix(stored).sort()).toEqual(own.sort());
      const whole = await describeStored(checkpoint, quantization, module, rows, cols);
      if (stored.kind !== 'bnb' || whole.kind !== 'bnb') return;
      // Small matrices may fit several block sizes; the usual one is taken.
      const { blockSize, nested: second } = whole;
      expect(stored).toMatchObject({ blockSize, codebook: name.includes('fp4') ? 'fp4' : 'nf4' });
      expect(second?.blockSize).toBe(stored.nested?.blockSize);
    },
  );

  it('takes a module stored as floats, and no other, for one', async () => {
    const bytes = new Uint8Array(2 * 6);
    const checkpoint = await checkpointOf([{ name: 'a.weight', dtype: 'BF16', shape: [2, 3], bytes }]);
    const { quantization } = await openCase(plain);
    const expected = { kind: 'float', tensor: 'a.weight', dtype: 'BF16' };
    expect(describeMatrix(checkpoint, null, 'a', 2, 3)).toEqual(expected);
    expect(describeMatrix(checkpoint, quantization, 'a', 2, 3)).toEqual(expected);
    expect(describeMatrix(checkpoint, (await openCase(ordered)).quantization, 'a', 2, 3)).toEqual(expected);
    expect(tensorsOfMatrix(describeMatrix(checkpoint, null, 'a', 2, 3))).toEqual(['a.weight']);
    const refused = (rows: number, module: string) => () => describeMatrix(checkpoint, null, module, rows, 3);
    await expectGraftError(refused(3, 'a'), 'model.tensor_shape', { tensor: 'a.weight', expected: '3, 3' });
    await expectGraftError(refused(2, 'b'), 'model.tensor_missing', { tensor: 'b.weight' });
    const ints = await changed(checkpoint, { 'a.weight': as([2, 3], 'I16') });
    const integers = (): unknown => describeMatrix(ints, null, 'a', 2, 3);
    await expectGraftError(integers, 'model.tensor_dtype', { tensor: 'a.weight', dtype: 'I16' });
  });

  it.each([plain, ordered, awq])('refuses %s without a quantization_config', async (name) => {
    const { checkpoint, module, rows, cols } = await openCase(name);
    const tensor = name === plain ? 'proj.weight' : 'proj.qweight';
    await expectGraftError(
      () => describeMatrix(checkpoint, null, module, rows, cols),
      'formats.quant_undeclared',
      {
        tensor,
      },
    );
  });

  it.each<[string, string, Record<string, Change>, ErrorCode, ErrorParams]>([
    [
      'no quant_state',
      plain,
      { 'proj.weight.quant_state.bitsandbytes__nf4': null },
      'formats.quant_missing',
      { module: 'proj', tensor: 'proj.weight.quant_state.bitsandbytes__nf4' },
    ],
    [
      'no absmax',
      plain,
      { 'proj.weight.absmax': null },
      'formats.quant_missing',
      { tensor: 'proj.weight.absmax' },
    ],
    [
      'no quant_map',
      plain,
      { 'proj.weight.quant_map': null },
      'formats.quant_missing',
      { tensor: 'proj.weight.quant_map' },
    ],
    [
      'no nested_absmax',
      nested,
      { 'proj.weight.nested_absmax': null },
      'formats.quant_missing',
      { tensor: 'proj.weight.nested_absmax' },
    ],
    [
      'no nested_quant_map',
      nested,
      { 'proj.weight.nested_quant_map': null },
      'formats.quant_missing',
      { tensor: 'proj.weight.nested_quant_map' },
    ],
    [
      'codes that are too few',
      plain,
      { 'proj.weight': cut([1900, 1], 1900) },
      'formats.quant_shape',
      { tensor: 'proj.weight', actual: '1900, 1', expected: '1920, 1' },
    ],
    [
      'codes in another shape',
      plain,
      { 'proj.weight': as([96, 20]) },
      'formats.quant_shape',
      { actual: '96, 20' },
    ],
    [
      'codes in another dtype',
      plain,
      { 'proj.weight': as([960, 1], 'BF16') },
      'formats.quant_dtype',
      { tensor: 'proj.weight', actual: 'BF16', expected: 'U8' },
    ],
    [
      'an absmax that is too short',
      plain,
      { 'proj.weight.absmax': cut([59], 236) },
      'formats.quant_shape',
      { tensor: 'proj.weight.absmax', actual: '59', expected: '60', detail: ' (blocks of 64)' },
    ],
    [
      'an absmax of two dimensions',
      plain,
      { 'proj.weight.absmax': as([60, 1]) },
      'formats.quant_shape',
      { actual: '60, 1' },
    ],
    [
      'an absmax in 16 bits',
      plain,
      { 'proj.weight.absmax': as([120], 'F16') },
      'formats.quant_dtype',
      { actual: 'F16', expected: 'F32 or U8' },
    ],
    [
      'a nested_absmax that is too long',
      nested,
      { 'proj.weight.nested_absmax': () => ({ shape: [7], bytes: new Uint8Array(28) }) },
      'formats.quant_shape',
      { tensor: 'proj.weight.nested_absmax', actual: '7', expected: '1' },
    ],
    [
      'a quant_map of 8 values',
      plain,
      { 'proj.weight.quant_map': cut([8], 32) },
      'formats.quant_shape',
      { tensor: 'proj.weight.quant_map', expected: '16' },
    ],
    [
      'a quant_state of integers',
      plain,
      { 'proj.weight.quant_state.bitsandbytes__nf4': as([78], 'I8') },
      'formats.quant_dtype',
      { actual: 'I8', expected: 'U8' },
    ],
    [
      'a quant_state of megabytes',
      plain,
      {
        'proj.weight.quant_state.bitsandbytes__nf4': () => ({
          shape: [2 ** 20],
          bytes: new Uint8Array(2 ** 20),
        }),
      },
      'formats.quant_state',
      { field: 'length', found: 2 ** 20 },
    ],
    [
      'no qzeros',
      ordered,
      { 'proj.qzeros': null },
      'formats.quant_missing',
      { tensor: 'proj.qzeros', method: 'GPTQ' },
    ],
    [
      'no scales',
      awq,
      { 'proj.scales': null },
      'formats.quant_missing',
      { tensor: 'proj.scales', method: 'AWQ' },
    ],
    [
      'AWQ’s order of codes',
      ordered,
      { 'proj.qweight': as([640, 1]) },
      'formats.quant_shape',
      { tensor: 'proj.qweight', actual: '640, 1', expected: '80, 8' },
    ],
    [
      'GPTQ’s order of codes',
      awq,
      { 'proj.qweight': as([20, 32]) },
      'formats.quant_shape',
      { tensor: 'proj.qweight', expected: '160, 4' },
    ],
    [
      'codes of 16 bits',
      ordered,
      { 'proj.qweight': as([160, 8], 'I16') },
      'formats.quant_dtype',
      { actual: 'I16', expected: 'I32' },
    ],
    [
      'zeros that are too few',
      awq,
      { 'proj.qzeros': cut([4, 4], 64) },
      'formats.quant_shape',
      { tensor: 'proj.qzeros', actual: '4, 4', expected: '5, 4' },
    ],
    [
      'scales of 32 bits',
      awq,
      { 'proj.scales': () => ({ dtype: 'F32', bytes: new Uint8Array(640) }) },
      'formats.quant_dtype',
      { tensor: 'proj.scales', expected: 'F16 or BF16' },
    ],
    [
      'a g_idx that is too short',
      actOrder,
      { 'proj.g_idx': cut([159], 636) },
      'formats.quant_shape',
      { tensor: 'proj.g_idx', expected: '160' },
    ],
  ])('refuses %s', async (_, name, changes, code, params) => {
    const { checkpoint, quantization, module, rows, cols } = await openCase(name);
    const broken = await changed(checkpoint, changes);
    const work = (): unknown => describeStored(broken, quantization, module, rows, cols);
    await expectGraftError(work, code, params);
  });

  it('refuses another group size than the file’s', async () => {
    const { checkpoint, quantization, module, rows, cols } = await openCase(ordered);
    const wrong = { ...quantization, groupSize: 64 } as typeof quantization;
    await expectGraftError(
      () => describeMatrix(checkpoint, wrong, module, rows, cols),
      'formats.quant_shape',
      {
        tensor: 'proj.qzeros',
        actual: '5, 1',
        expected: '10, 1',
        detail: ' with groups of 64',
      },
    );
  });

  it.each<[string, number, number, string]>([
    [ordered, 12, 640, 'its rows are not a multiple of 8'],
    [ordered, 8, 644, 'its columns are not a multiple of 8'],
    [awq, 12, 160, 'its rows are not a multiple of 8'],
    [awq, 32, 168, 'its columns are not a multiple of the group size 32'],
  ])('refuses %s as %i x %i', async (name, rows, cols, problem) => {
    const { checkpoint, quantization, module } = await openCase(name);
    const work = (): unknown => describeMatrix(checkpoint, quantization, module, rows, cols);
    await expectGraftError(work, 'formats.quant_size', { module: 'proj', rows, cols, problem });
  });
});

describe('describeStored', () => {
  it('adds what the quant_state says', async () => {
    const { checkpoint, quantization } = await openCase(nested);
    expect(await describeStored(checkpoint, quantization, 'proj', 96, 40)).toMatchObject({
      dtype: 'BF16',
      blockSize: 64,
      nested: { blockSize: 256, offset: Math.fround(0.13219401240348816) },
    });
  });

  it('leaves a g_idx in order out', async () => {
    const { checkpoint, quantization } = await openCase(ordered);
    expect(describeMatrix(checkpoint, quantization, 'proj', 8, 640)).toMatchObject({
      groupIndex: 'proj.g_idx',
    });
    expect(await describeStored(checkpoint, quantization, 'proj', 8, 640)).toMatchObject({
      groupIndex: null,
      groups: 5,
    });
    const other = await openCase(actOrder);
    expect(await describeStored(other.checkpoint, other.quantization, 'proj', 16, 160)).toMatchObject({
      groupIndex: 'proj.g_idx',
    });
  });

  const stateTensor = 'proj.weight.quant_state.bitsandbytes__nf4';

  it.each<[string, string, Change, ErrorParams]>([
    [
      'another shape',
      plain,
      state({ shape: [40, 96] }),
      { field: 'shape', found: '[40,96]', expected: '[96, 40]' },
    ],
    ['a shape of one number', plain, state({ shape: [3840] }), { field: 'shape' }],
    ['another codebook', plain, state({ quant_type: 'fp4' }), { field: 'quant_type', found: '"fp4"' }],
    ['a block size of 48', plain, state({ blocksize: 48 }), { field: 'blocksize', found: '48' }],
    ['a block size of 16', plain, state({ blocksize: 16 }), { field: 'blocksize', found: '16' }],
    [
      'a block size that does not fit absmax',
      plain,
      state({ blocksize: 128 }),
      { field: 'blocksize', found: '128' },
    ],
    ['no block size', plain, state({ blocksize: undefined }), { field: 'blocksize', found: 'missing' }],
    ['an unknown dtype', plain, state({ dtype: 'float64' }), { field: 'dtype', found: '"float64"' }],
    [
      'nesting where absmax is F32',
      plain,
      state({ nested_blocksize: 256, nested_dtype: 'float32', nested_offset: 0.125 }),
      { field: 'nested_offset', found: '0.125' },
    ],
    [
      'no nesting where absmax is U8',
      nested,
      state({ nested_blocksize: undefined, nested_offset: undefined }),
      { field: 'nested_offset', found: 'missing' },
    ],
    ['no offset', nested, state({ nested_offset: null }), { field: 'nested_offset', found: 'null' }],
    [
      'a nested block size that does not fit',
      nested,
      state({ nested_blocksize: 32 }),
      { field: 'nested_blocksize', found: '32' },
    ],
    ['an unknown nested dtype', nested, state({ nested_dtype: 'bfloat16' }), { field: 'nested_dtype' }],
    ['text that is not JSON', plain, () => text('{"quant_type": "nf4"'), { field: 'quant_state' }],
    ['a list', plain, () => text('[]'), { field: 'quant_state' }],
    [
      'bytes that are not UTF-8',
      plain,
      () => ({ shape: [2], bytes: new Uint8Array([0xff, 0xfe]) }),
      { field: 'quant_state' },
    ],
  ])('refuses a quant_state with %s', async (_, name, change, params) => {
    const { checkpoint, quantization } = await openCase(name);
    const broken = await changed(checkpoint, { [stateTensor]: change });
    const work = (): unknown => describeStored(broken, quantization, 'proj', 96, 40);
    await expectGraftError(work, 'formats.quant_state', { tensor: stateTensor, ...params });
  });

  it('refuses an unknown codebook', async () => {
    const { checkpoint, quantization } = await openCase(plain);
    const broken = await changed(checkpoint, { 'proj.weight.quant_map': number(3, -0.39, 'f32') });
    await expectGraftError(() => describeStored(broken, quantization, 'proj', 96, 40), 'formats.quant_map', {
      tensor: 'proj.weight.quant_map',
      index: 3,
      expected: '-0.39491748809814453',
    });
  });

  it('takes a codebook that is rounded otherwise', async () => {
    const { checkpoint, quantization } = await openCase(plain);
    const near = await changed(checkpoint, { 'proj.weight.quant_map': number(3, -0.3949171, 'f32') });
    expect(await describeStored(near, quantization, 'proj', 96, 40)).toMatchObject({ kind: 'bnb' });
  });

  it('refuses a nested map of NaN', async () => {
    const { checkpoint, quantization } = await openCase(nested);
    const broken = await changed(checkpoint, { 'proj.weight.nested_quant_map': number(200, NaN, 'f32') });
    const params = { tensor: 'proj.weight.nested_quant_map', index: 200 };
    await expectGraftError(
      () => describeStored(broken, quantization, 'proj', 96, 40),
      'formats.quant_map',
      params,
    );
  });

  it.each([5, -1])('refuses group %i of 5', async (group) => {
    const { checkpoint, quantization } = await openCase(actOrder);
    const broken = await changed(checkpoint, { 'proj.g_idx': number(17, group, 'i32') });
    const params = { tensor: 'proj.g_idx', index: 17, found: group, last: 4 };
    await expectGraftError(
      () => describeStored(broken, quantization, 'proj', 16, 160),
      'formats.quant_group',
      params,
    );
  });

  it('reads what the file says over what the config says', async () => {
    const { checkpoint } = await openCase(nested);
    const quantization = { method: 'bitsandbytes', codebook: 'fp4', doubleQuant: false, skip: [] } as const;
    const stored = await describeStored(checkpoint, quantization, 'proj', 96, 40);
    expect(stored).toMatchObject({ codebook: 'nf4', nested: { blockSize: 256 } });
  });
});

describe('gptqZeroOffset', () => {
  const zeros = (byte: number): Uint8Array => new Uint8Array(8).fill(byte);
  const gptq = (symmetric: boolean, version: 'v1' | 'v2') =>
    ({ method: 'gptq', groupSize: 32, symmetric, version }) as const;

  it('believes symmetric zeros over the config', () => {
    for (const version of ['v1', 'v2'] as const) {
      expect(gptqZeroOffset(zeros(0x77), gptq(true, version))).toBe(1);
      expect(gptqZeroOffset(zeros(0x88), gptq(true, version))).toBe(0);
    }
  });

  it('believes the config where zeros differ or are not symmetric', () => {
    const mixed = new Uint8Array([0x77, 0x88, 0x57, 0x77]);
    expect(gptqZeroOffset(mixed, gptq(true, 'v1'))).toBe(1);
    expect(gptqZeroOffset(mixed, gptq(true, 'v2'))).toBe(0);
    expect(gptqZeroOffset(zeros(0x77), gptq(false, 'v2'))).toBe(0);
    expect(gptqZeroOffset(zeros(0x88), gptq(false, 'v1'))).toBe(1);
  });
});
