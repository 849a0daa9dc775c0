import { assert } from '../../../base/lib/errors.ts';
import type { FloatDtype } from '../dtypes.ts';
import { encodeFloats } from '../../../base/lib/floats.ts';
import type { JsonValue } from '../pythonJson.ts';
import type { TensorEntry } from '../safetensorsLayout.ts';
import { codebooks, nestedBlockSize, nf4BlockSize } from './codebooks.ts';
import { quantMapName, quantStateName } from './describe.ts';
import { dynamicMap } from './dynamicMap.ts';

import { torchDtypes } from './quantState.ts';

/** A matrix [rows, cols] that is written in NF4. */
export interface Nf4Shape {
  /** Name of its weight, such as `model.layers.0.mlp.up_proj.weight`. */
  tensor: string;
  rows: number;
  cols: number;
  /** dtype the matrix had before, into which transformers dequantizes it. */
  dtype: FloatDtype;
  nested: boolean;
}

/** Names of the tensors of one matrix; the nested ones only where absmax is nested. */
export interface Nf4Names {
  codes: string;
  absmax: string;
  map: string;
  nestedAbsmax: string;
  nestedMap: string;
  state: string;
}

/** The longest text of a number in JSON, as of 0.0000012345678901234567. */
const numberLength = 25;

/** The tensors' names of a matrix. */
export function nf4Names(tensor: string): Nf4Names {
  return {
    codes: tensor,
    absmax: `${tensor}.absmax`,
    map: quantMapName(tensor),
    nestedAbsmax: `${tensor}.nested_absmax`,
    nestedMap: `${tensor}.nested_quant_map`,
    state: quantStateName(tensor, 'nf4'),
  };
}

/**
 * The tensors of one matrix in bitsandbytes' serialization, in the order of its state_dict (0.50, `Linear4bit`),
 * known before its data is. A bias follows the codes there; it is an ordinary tensor, and order means nothing.
 */
export function nf4Entries(shape: Nf4Shape): TensorEntry[] {
  const { tensor, rows, cols, nested } = shape;
  const names = nf4Names(tensor);
  const blocks = Math.ceil((rows * cols) / nf4BlockSize);
  return [
    { name: names.codes, dtype: 'U8', shape: [Math.ceil((rows * cols) / 2), 1] },
    { name: names.absmax, dtype: nested ? 'U8' : 'F32', shape: [blocks] },
    { name: names.map, dtype: 'F32', shape: [16] },
    ...(nested
      ? [
          { name: names.nestedAbsmax, dtype: 'F32', shape: [Math.ceil(blocks / nestedBlockSize)] },
          { name: names.nestedMap, dtype: 'F32', shape: [256] },
        ]
      : []),
    { name: names.state, dtype: 'U8', shape: [stateLength(shape)] },
  ];
}

/** Bytes of the codebook, `quant_map`: F32 [16]. */
export function quantMapBytes(): Uint8Array<ArrayBuffer> {
  return encodeFloats(codebooks.nf4, 'F32');
}

/** Bytes of the map of nested absmax, `nested_quant_map`: F32 [256]. */
export function nestedMapBytes(): Uint8Array<ArrayBuffer> {
  return encodeFloats(dynamicMap(true), 'F32');
}

/**
 * Bytes of the quant_state: JSON with bitsandbytes' keys, as Python writes it. With a nested absmax, spaces at its
 * end make its length the same for every offset, so that it is known beforehand.
 * @param offset what was subtracted from absmax, if nested
 */
export function quantStateBytes(shape: Nf4Shape, offset: number | null): Uint8Array<ArrayBuffer> {
  assert(shape.nested === (offset !== null), 'a nested absmax, and only that, has an offset');
  const text = stateText(shape, offset === null ? '' : String(Math.fround(offset)));
  const bytes = new TextEncoder().encode(text.padEnd(stateLength(shape)));
  assert(bytes.length === stateLength(shape), `quant_state ${text} is too long`);
  return bytes;
}

/**
 * The `quantization_config` of config.json that transformers writes for such a model (5.23, `BitsAndBytesConfig`),
 * but for `llm_int8_threshold`: Python insists on 6.0, which JavaScript writes as 6, and it is the default.
 * @param computeDtype in which others are to compute with it
 * @param skip modules left in 16 bits; null leaves only the output layer, as transformers does by itself
 */
export function quantizationConfigJson({
  nested,
  computeDtype,
  skip = null,
}: {
  nested: boolean;
  computeDtype: FloatDtype;
  skip?: readonly string[] | null;
}): Record<string, JsonValue> {
  return {
    _load_in_4bit: true,
    _load_in_8bit: false,
    bnb_4bit_compute_dtype: torchDtypes[computeDtype],
    bnb_4bit_quant_storage: 'uint8',
    bnb_4bit_quant_type: 'nf4',
    bnb_4bit_use_double_quant: nested,
    llm_int8_enable_fp32_cpu_offload: false,
    llm_int8_has_fp16_weight: false,
    llm_int8_skip_modules: skip,
    load_in_4bit: true,
    load_in_8bit: false,
    quant_method: 'bitsandbytes',
  };
}

function stateLength(shape: Nf4Shape): number {
  return stateText(shape, shape.nested ? ' '.repeat(numberLength) : '').length;
}

function stateText({ rows, cols, dtype, nested }: Nf4Shape, offset: string): string {
  const plain = `"quant_type": "nf4", "blocksize": ${nf4BlockSize}, "dtype": "${torchDtypes[dtype]}", "shape": [${rows}, ${cols}]`;
  if (!nested) return `{${plain}}`;
  return `{${plain}, "nested_blocksize": ${nestedBlockSize}, "nested_dtype": "float32", "nested_offset": ${offset}}`;
}
