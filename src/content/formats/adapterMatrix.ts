import { GraftError } from '../../base/lib/errors.ts';
import { decodeFloats, encodeFloats } from '../../base/lib/floats.ts';
import { expandRows, quantizeRows } from './int8Rows.ts';
import type { SafetensorsFile } from './safetensors.ts';
import { clip, shapeText } from './safetensorsHeader.ts';

/** How the matrices of an adapter are stored: as PEFT does, or in 8 bits, which only Graft reads. */
export type AdapterDtype = 'F32' | 'I8';

/**
 * What distinguishes an adapter of one dtype from the other. 8-bit weights have a file and keys of their own: under PEFT's
 * names PEFT would take the codes for weights; so it says that the weights are missing.
 */
export const adapterStorage = {
  F32: { file: 'adapter_model.safetensors', key: 'weight', metadata: { format: 'pt' } },
  I8: {
    file: 'adapter_model.int8.safetensors',
    key: 'int8',
    metadata: { format: 'pt', graft_adapter: 'int8', graft_adapter_version: '1' },
  },
} as const;

const scaleSuffix = '_scale';

/** One tensor of an adapter's file. */
interface StoredTensor {
  name: string;
  dtype: string;
  shape: number[];
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The tensors that store a matrix [rows, cols] under `key`: itself in F32, or I8 codes and beside them `key`_scale, F32
 * [rows]. Throws `formats.adapter_not_finite`.
 */
export function encodeMatrix(
  key: string,
  values: Float32Array<ArrayBuffer>,
  [rows, cols]: readonly [number, number],
  dtype: AdapterDtype,
): StoredTensor[] {
  const shape = [rows, cols];
  if (dtype === 'F32') return [{ name: key, dtype, shape, bytes: encodeFloats(values, 'F32') }];
  const { codes, scales } = quantizeRows(values, rows, key);
  return [
    { name: key, dtype, shape, bytes: new Uint8Array(codes.buffer) },
    { name: key + scaleSuffix, dtype: 'F32', shape: [rows], bytes: encodeFloats(scales, 'F32') },
  ];
}

/** The bytes of those tensors of a matrix [rows, cols]. */
export function matrixBytes([rows, cols]: readonly [number, number], dtype: AdapterDtype): number {
  return dtype === 'F32' ? 4 * rows * cols : rows * cols + 4 * rows;
}

/** Reads the matrix [rows, cols] under `key`. Throws `formats.dtype_not_float`, `formats.adapter_int8`. */
export async function readMatrix(
  file: SafetensorsFile,
  key: string,
  dtype: AdapterDtype,
): Promise<Float32Array<ArrayBuffer>> {
  const { dtype: stored, shape } = file.get(key);
  if (dtype === 'F32') return decodeFloats(await file.read(key), stored, clip(key));
  const scaleKey = key + scaleSuffix;
  const wrong = (tensor: string, found: string, expected: string) =>
    new GraftError('formats.adapter_int8', { file: file.source.name, tensor: clip(tensor), found, expected });
  if (stored !== 'I8') throw wrong(key, stored, 'I8');
  const scale = file.tensors.get(scaleKey);
  const found = scale ? `${scale.dtype} [${shapeText(scale.shape)}]` : 'missing';
  const expected = `F32 [${shape[0]}]`;
  if (found !== expected) throw wrong(scaleKey, found, expected);
  const scales = decodeFloats(await file.read(scaleKey), 'F32', clip(scaleKey));
  const bad = scales.findIndex((x) => !(x >= 0 && x < Infinity));
  if (bad >= 0) throw wrong(scaleKey, `${scales[bad]} in row ${bad}`, 'finite, non-negative scales');
  const bytes = await file.read(key);
  return expandRows({ codes: new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), scales });
}

/** The module that a tensor of an adapter's file belongs to; undefined for one that is no part of a plain LoRA. */
export function moduleOfTensor(tensor: string, dtype: AdapterDtype): string | undefined {
  const pattern =
    dtype === 'F32'
      ? /^base_model\.model\.(.+)\.lora_[AB]\.weight$/s
      : /^base_model\.model\.(.+)\.lora_[AB]\.int8(?:_scale)?$/s;
  return pattern.exec(tensor)?.[1];
}

/** Throws `formats.adapter_version` for 8-bit weights that this Graft does not know. */
export function checkInt8Version({ metadata, source }: SafetensorsFile): void {
  const { graft_adapter: kind, graft_adapter_version: version } = adapterStorage.I8.metadata;
  if (metadata.get('graft_adapter') === kind && metadata.get('graft_adapter_version') === version) return;
  const found = metadata.get('graft_adapter_version') ?? 'none';
  throw new GraftError('formats.adapter_version', { file: source.name, found: clip(found), known: version });
}
