import { parseBoundedJson } from '../../../base/lib/boundedJson.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { shortJson } from '../../../base/lib/shortJson.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { FloatDtype } from '../dtypes.ts';
import { clip } from '../safetensorsHeader.ts';
import { quantStateName, stateCodebook } from './describe.ts';
import type { Codebook } from './types.ts';

/** What the quant_state of a bitsandbytes matrix says. */
export interface QuantState {
  /** The tensor it is from. */
  tensor: string;
  codebook: Codebook;
  /** Elements that share an absmax: a power of two from 32 on. */
  blockSize: number;
  /** dtype the matrix had before. */
  dtype: FloatDtype;
  /** Rows and columns of the matrix. */
  shape: [number, number];
  nested: null | { blockSize: number; offset: number };
}

/** PyTorch's names of the dtypes. */
export const torchDtypes: Readonly<Record<FloatDtype, string>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
};

/**
 * Reads and checks the JSON in `<module>.weight.quant_state.bitsandbytes__<codebook>` (bitsandbytes,
 * `QuantState.from_dict`). Throws `formats.quant_missing` and `formats.quant_state`, which names the field.
 */
export async function readQuantState(checkpoint: Checkpoint, module: string): Promise<QuantState> {
  const weight = `${module}.weight`;
  const codebook = stateCodebook(checkpoint, module);
  if (codebook === null) {
    const params = {
      module: clip(module),
      tensor: clip(quantStateName(weight, 'nf4')),
      method: 'bitsandbytes',
    };
    throw new GraftError('formats.quant_missing', params);
  }
  const tensor = quantStateName(weight, codebook);
  const json = parse(await checkpoint.read(tensor), tensor);
  const expect = (field: string, ok: boolean, expected: string): void => {
    if (!ok) throw stateError(tensor, field, json[field], expected);
  };
  expect('quant_type', json.quant_type === codebook, `"${codebook}", as in the tensor’s name`);
  expect('blocksize', isBlockSize(json.blocksize), blockSizeText);
  const dtype = dtypeOf(json.dtype);
  expect('dtype', dtype !== undefined, Object.values(torchDtypes).join(', '));
  expect('shape', isShape(json.shape), 'rows and columns');
  const nested = 'nested_blocksize' in json || 'nested_offset' in json;
  if (nested) {
    expect('nested_blocksize', isBlockSize(json.nested_blocksize), blockSizeText);
    expect('nested_offset', Number.isFinite(json.nested_offset), 'a number');
    expect('nested_dtype', json.nested_dtype === 'float32', '"float32"');
  }
  return {
    tensor,
    codebook,
    blockSize: json.blocksize as number,
    dtype: dtype!,
    shape: json.shape as [number, number],
    nested: nested
      ? { blockSize: json.nested_blocksize as number, offset: Math.fround(json.nested_offset as number) }
      : null,
  };
}

/** The error about one field of a quant_state. */
export function stateError(tensor: string, field: string, value: unknown, expected: string): GraftError {
  const found = value === undefined ? 'missing' : shortJson(value);
  return new GraftError('formats.quant_state', { tensor: clip(tensor), field, found, expected });
}

const blockSizeText = 'a power of two of at least 32';

function parse(bytes: Uint8Array, tensor: string): Record<string, unknown> {
  try {
    const json = parseBoundedJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
      return json as Record<string, unknown>;
    }
  } catch {
    // Named below, as anything else that is no JSON object.
  }
  const start = new TextDecoder().decode(bytes.subarray(0, 40));
  throw stateError(tensor, 'quant_state', start, 'a JSON object');
}

function dtypeOf(name: unknown): FloatDtype | undefined {
  return (['F32', 'F16', 'BF16'] as const).find((dtype) => torchDtypes[dtype] === name);
}

function isBlockSize(value: unknown): boolean {
  return (
    Number.isSafeInteger(value) && (value as number) >= 32 && Number.isInteger(Math.log2(value as number))
  );
}

function isShape(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every((size) => Number.isSafeInteger(size));
}
