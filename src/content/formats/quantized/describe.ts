import { GraftError } from '../../../base/lib/errors.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { clip, shapeText, type TensorInfo } from '../safetensorsHeader.ts';
import type { BnbMatrix, FloatMatrix, Int4Matrix, Quantization, StoredMatrix } from './types.ts';

/** Block sizes of bitsandbytes, the usual ones first. */
const blockSizes = [64, 32, 128, 256, 512, 1024, 2048, 4096];
const nestedBlockSizes = [256, ...blockSizes];

/** A quant_state holds about 170 bytes; more than this is not one. */
const maxStateBytes = 4096;

/** Inputs or outputs in one word of GPTQ and AWQ. */
const codesPerWord = 8;

/** The matrix that the tensors of a module are checked against. */
interface Target {
  checkpoint: Checkpoint;
  module: string;
  rows: number;
  cols: number;
  /** How the module is quantized, for errors. */
  method: string;
}

/**
 * Where the weight [rows, cols] of `module` (such as `model.layers.0.mlp.up_proj`) is stored, by the headers alone:
 * every tensor it needs is there, in its dtype and shape. What a module is stored as counts, not a config's list of
 * modules to skip. Of bitsandbytes, `blockSize` follows from the shapes, while `dtype` and `nested.offset` are only
 * known once its quant_state is read (`describeStored`); of GPTQ, `groupIndex` may turn out to be in order.
 * Throws `formats.quant_undeclared`, `_missing`, `_dtype`, `_shape`, `_size`, `_state`, and for a float matrix
 * `model.tensor_missing`, `_shape`, `_dtype`.
 */
export function describeMatrix(
  checkpoint: Checkpoint,
  quantization: Quantization | null,
  module: string,
  rows: number,
  cols: number,
): StoredMatrix {
  const target = { checkpoint, module, rows, cols, method: '' };
  const packed = checkpoint.tensors.get(`${module}.qweight`);
  const weight = checkpoint.tensors.get(`${module}.weight`);
  const isBnb =
    weight !== undefined && (weight.info.dtype === 'U8' || stateCodebook(checkpoint, module) !== null);
  if (quantization === null) {
    const quantized = isBnb ? weight : weight === undefined ? packed : undefined;
    if (quantized !== undefined) throw undeclared(quantized.info);
  } else if (quantization.method === 'bitsandbytes') {
    if (isBnb) return describeBnb({ ...target, method: 'bitsandbytes' }, quantization);
  } else if (packed !== undefined) {
    return describeInt4({ ...target, method: quantization.method === 'gptq' ? 'GPTQ' : 'AWQ' }, quantization);
  }
  return describeFloat(target);
}

/**
 * Every tensor that a description of `describeMatrix` stands for, those included that say how to read the others.
 * Of `describeStored`, a `g_idx` that is in order is left out.
 */
export function tensorsOfMatrix(stored: StoredMatrix): string[] {
  if (stored.kind === 'float') return [stored.tensor];
  if (stored.kind === 'bnb') {
    const { tensor, absmax, nested, codebook } = stored;
    const maps = nested === null ? [] : [nested.absmax, nested.map];
    return [tensor, absmax, quantMapName(tensor), ...maps, quantStateName(tensor, codebook)];
  }
  const { qweight, qzeros, scales, groupIndex } = stored;
  return [qweight, qzeros, scales, ...(groupIndex === null ? [] : [groupIndex])];
}

/** The tensor that holds the 16 values of a bitsandbytes codebook. */
export function quantMapName(tensor: string): string {
  return `${tensor}.quant_map`;
}

/** The tensor that holds the JSON of a bitsandbytes quant_state. */
export function quantStateName(tensor: string, codebook: string): string {
  return `${tensor}.quant_state.bitsandbytes__${codebook}`;
}

/** The codebook that the name of a module's quant_state gives; null where there is none. */
export function stateCodebook(checkpoint: Checkpoint, module: string): 'nf4' | 'fp4' | null {
  const has = (codebook: string): boolean =>
    checkpoint.tensors.has(quantStateName(`${module}.weight`, codebook));
  return has('nf4') ? 'nf4' : has('fp4') ? 'fp4' : null;
}

function describeFloat({ checkpoint, module, rows, cols }: Target): FloatMatrix {
  const tensor = `${module}.weight`;
  const info = checkpoint.tensors.get(tensor)?.info;
  if (info === undefined) throw new GraftError('model.tensor_missing', { tensor });
  const expected = [rows, cols];
  if (!sameShape(info.shape, expected)) {
    const params = { tensor, actual: shapeText(info.shape), expected: shapeText(expected) };
    throw new GraftError('model.tensor_shape', params);
  }
  const { dtype } = info;
  if (!['F32', 'F16', 'BF16'].includes(dtype)) throw new GraftError('model.tensor_dtype', { tensor, dtype });
  return { kind: 'float', tensor, dtype };
}

function describeBnb(
  target: Target,
  { codebook: declared }: Quantization & { method: 'bitsandbytes' },
): BnbMatrix {
  const { checkpoint, module, rows, cols } = target;
  const tensor = `${module}.weight`;
  const count = rows * cols;
  check(target, tensor, ['U8'], [Math.ceil(count / 2), 1]);
  // Converters copy configs about: the file itself says which codebook it means, and whether absmax is nested.
  const codebook = stateCodebook(checkpoint, module) ?? declared;
  const state = find(target, quantStateName(tensor, codebook));
  checkDtype(target, state, ['U8']);
  const { begin, end } = state;
  if (state.shape.length !== 1 || end - begin > maxStateBytes) {
    const params = {
      field: 'length',
      found: end - begin,
      expected: `at most ${maxStateBytes} bytes of JSON`,
    };
    throw new GraftError('formats.quant_state', { tensor: clip(state.name), ...params });
  }
  check(target, quantMapName(tensor), ['F32'], [16]);
  const absmax = find(target, `${tensor}.absmax`);
  checkDtype(target, absmax, ['F32', 'U8']);
  const blockSize = fittingSize(absmax, count, blockSizes);
  checkShape(target, absmax, [Math.ceil(count / blockSize)], ` (blocks of ${blockSize})`);
  const nested = absmax.dtype === 'U8' ? describeNested(target, absmax) : null;
  return { kind: 'bnb', tensor, codebook, blockSize, absmax: absmax.name, nested, dtype: 'BF16' };
}

function describeNested(target: Target, codes: TensorInfo): BnbMatrix['nested'] {
  const tensor = `${target.module}.weight`;
  const [blocks] = codes.shape as [number];
  const absmax = find(target, `${tensor}.nested_absmax`);
  checkDtype(target, absmax, ['F32']);
  const blockSize = fittingSize(absmax, blocks, nestedBlockSizes);
  checkShape(target, absmax, [Math.ceil(blocks / blockSize)], ` (nested blocks of ${blockSize})`);
  const map = check(target, `${tensor}.nested_quant_map`, ['F32'], [256]);
  return { absmax: absmax.name, map: map.name, blockSize, offset: 0 };
}

/** The block size by which `count` elements have as many blocks as `info` has values; the usual one if none fits. */
function fittingSize(info: TensorInfo, count: number, sizes: readonly number[]): number {
  const fits = sizes.find((size) => info.shape.length === 1 && Math.ceil(count / size) === info.shape[0]);
  return fits ?? sizes[0]!;
}

function describeInt4(target: Target, quantization: Quantization & { method: 'gptq' | 'awq' }): Int4Matrix {
  const { checkpoint, module, rows, cols } = target;
  const kind = quantization.method;
  const groupSize = quantization.groupSize ?? cols;
  const refuse = (problem: string): never => {
    throw new GraftError('formats.quant_size', {
      module: clip(module),
      rows,
      cols,
      method: target.method,
      problem,
    });
  };
  if (rows % codesPerWord !== 0) refuse('its rows are not a multiple of 8');
  // GPTQ's last group may be smaller.
  if (kind === 'gptq' && cols % codesPerWord !== 0) refuse('its columns are not a multiple of 8');
  if (kind === 'awq' && cols % groupSize !== 0)
    refuse(`its columns are not a multiple of the group size ${groupSize}`);
  const groups = Math.ceil(cols / groupSize);
  const detail = ` with groups of ${groupSize}`;
  const words = rows / codesPerWord;
  const codesShape = kind === 'gptq' ? [cols / codesPerWord, rows] : [cols, words];
  const qweight = check(target, `${module}.qweight`, ['I32'], codesShape, detail);
  const qzeros = check(target, `${module}.qzeros`, ['I32'], [groups, words], detail);
  const scales = check(target, `${module}.scales`, ['F16', 'BF16'], [groups, rows], detail);
  const hasIndex = kind === 'gptq' && checkpoint.tensors.has(`${module}.g_idx`);
  return {
    kind,
    qweight: qweight.name,
    qzeros: qzeros.name,
    scales: scales.name,
    scaleDtype: scales.dtype as 'F16' | 'BF16',
    groupIndex: hasIndex ? check(target, `${module}.g_idx`, ['I32'], [cols]).name : null,
    groupSize,
    groups,
  };
}

function check(target: Target, tensor: string, dtypes: string[], shape: number[], detail = ''): TensorInfo {
  const info = find(target, tensor);
  checkDtype(target, info, dtypes);
  checkShape(target, info, shape, detail);
  return info;
}

function find({ checkpoint, module, method }: Target, tensor: string): TensorInfo {
  const found = checkpoint.tensors.get(tensor);
  if (found !== undefined) return found.info;
  throw new GraftError('formats.quant_missing', { module: clip(module), tensor: clip(tensor), method });
}

function checkDtype({ method }: Target, { name, dtype }: TensorInfo, dtypes: string[]): void {
  if (dtypes.includes(dtype)) return;
  const params = { tensor: clip(name), actual: dtype, expected: dtypes.join(' or '), method };
  throw new GraftError('formats.quant_dtype', params);
}

function checkShape(
  { rows, cols, method }: Target,
  info: TensorInfo,
  expected: number[],
  detail: string,
): void {
  if (sameShape(info.shape, expected)) return;
  const shapes = { actual: shapeText(info.shape), expected: shapeText(expected) };
  throw new GraftError('formats.quant_shape', {
    tensor: clip(info.name),
    rows,
    cols,
    method,
    detail,
    ...shapes,
  });
}

function sameShape(actual: readonly number[], expected: readonly number[]): boolean {
  return actual.length === expected.length && actual.every((size, i) => size === expected[i]);
}

function undeclared({ name, dtype }: TensorInfo): GraftError {
  return new GraftError('formats.quant_undeclared', { tensor: clip(name), dtype });
}
