import { parseBoundedJson } from '../../base/lib/boundedJson.ts';
import { GraftError, messageOf } from '../../base/lib/errors.ts';
import { bitsOf, exactProduct, isDtype } from './dtypes.ts';

/** One tensor of a safetensors file; `begin` and `end` are bytes from the start of the data. */
export interface TensorInfo {
  name: string;
  /** Usually a `Dtype`; a newer writer's unknown dtype passes through. */
  dtype: string;
  shape: number[];
  begin: number;
  end: number;
}

/** What a header says: the tensors in the order it names them (those whose names are whole numbers first), and its `__metadata__`. */
export interface SafetensorsHeader {
  tensors: Map<string, TensorInfo>;
  metadata: Map<string, string>;
}

/** The longest header safetensors allows, in bytes. */
export const maxHeaderBytes = 100_000_000;

/** A name short enough for an error message: a hostile file may hold names of megabytes. */
export function clip(name: string): string {
  return name.length > 200 ? `${name.slice(0, 200)}…` : name;
}

/** A shape for an error message. */
export function shapeText(shape: readonly number[]): string {
  return shape.length > 16 ? `${shape.slice(0, 16).join(', ')}, …` : shape.join(', ');
}

/**
 * Parses and checks the JSON of a header (format: safetensors README; rules as in its `Metadata::validate`). A name that
 * appears twice counts once, as its last: where the two differ, the tensors no longer tile the data. `dataBytes` is what
 * follows the header in the file. Throws a `formats.*` error naming `file` and the tensor for bad UTF-8 or JSON, inexact
 * integers, and tensors that don't tile the data exactly.
 */
export function parseSafetensorsHeader(json: Uint8Array, file: string, dataBytes: number): SafetensorsHeader {
  const tensors = new Map<string, TensorInfo>();
  let metadata = new Map<string, string>();
  for (const [name, value] of Object.entries(parseObject(json, file))) {
    if (name === '__metadata__') metadata = metadataOf(value, file);
    else tensors.set(name, tensorOf(name, value, file));
  }
  checkLayout([...tensors.values()], file, dataBytes);
  return { tensors, metadata };
}

/** Orders tensors by the offset of their data; empty tensors come before the one that starts at the same byte. */
export function byOffset(a: TensorInfo, b: TensorInfo): number {
  return a.begin - b.begin || a.end - b.end;
}

/** Throws `formats.header_utf8`, `formats.header_json`. */
function parseObject(json: Uint8Array, file: string): object {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
  } catch (cause) {
    throw new GraftError('formats.header_utf8', { file }, { cause });
  }
  if (!text.startsWith('{')) throw badJson(file, 'it does not begin with “{”');
  try {
    return parseBoundedJson(text) as object;
  } catch (cause) {
    throw badJson(file, messageOf(cause).slice(0, 300), cause);
  }
}

function metadataOf(value: unknown, file: string): Map<string, string> {
  const fail = (where: string, problem: string): never => {
    throw new GraftError('formats.bad_metadata', { file, where, problem });
  };
  if (!isObject(value)) return fail('', 'it is not an object');
  const entries = Object.entries(value).map(([key, text]): [string, string] =>
    typeof text === 'string' ? [key, text] : fail(` at “${clip(key)}”`, 'the value is not a string'),
  );
  return new Map(entries);
}

function tensorOf(name: string, value: unknown, file: string): TensorInfo {
  const tensor = clip(name);
  const fail = (field: string, problem: string): never => {
    throw new GraftError('formats.tensor_field', { file, tensor, field, problem });
  };
  if (/\p{Surrogate}/u.test(name)) throw badJson(file, 'the name is not valid Unicode');
  if (!isObject(value)) throw badJson(file, `tensor “${tensor}” is not an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  const integers = (field: string, list: unknown): number[] => {
    if (!Array.isArray(list)) return fail(field, list === undefined ? 'it is missing' : 'it is not a list');
    for (const item of list as unknown[]) {
      if (typeof item !== 'number' || item < 0 || item % 1 > 0 || Object.is(item, -0))
        fail(field, 'it holds something other than non-negative integers');
      if (!Number.isSafeInteger(item))
        throw new GraftError('formats.number_too_large', { file, tensor, field, value: String(item) });
    }
    return list as number[];
  };
  if (typeof dtype !== 'string')
    return fail('dtype', dtype === undefined ? 'it is missing' : 'it is not a string');
  const sizes = integers('shape', shape);
  const range = integers('data_offsets', offsets);
  if (range.length !== 2) fail('data_offsets', `it has ${range.length} numbers instead of 2`);
  return { name, dtype, shape: sizes, begin: range[0]!, end: range[1]! };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function badJson(file: string, problem: string, cause?: unknown): GraftError {
  return new GraftError('formats.header_json', { file, problem }, { cause });
}

/** Checks that the tensors tile the data: in order of offset they start at 0, touch, fit their shapes and end at its end. */
function checkLayout(tensors: TensorInfo[], file: string, dataBytes: number): void {
  tensors.sort(byOffset);
  let previous: TensorInfo | undefined;
  for (const info of tensors) {
    checkTensor(info, file, dataBytes);
    const { begin } = info;
    const expected = previous?.end ?? 0;
    const tensor = clip(info.name);
    if (begin < expected) {
      throw new GraftError('formats.tensor_overlap', {
        file,
        tensor,
        begin,
        other: clip(previous?.name ?? ''),
      });
    }
    if (begin > expected) throw new GraftError('formats.tensor_hole', { file, tensor, begin, expected });
    previous = info;
  }
  const trailing = dataBytes - (previous?.end ?? 0);
  if (trailing > 0) {
    const tensor = previous === undefined ? 'none' : clip(previous.name);
    throw new GraftError('formats.trailing_bytes', { file, tensor, bytes: trailing });
  }
}

function checkTensor(info: TensorInfo, file: string, dataBytes: number): void {
  const { dtype, begin, end } = info;
  const tensor = clip(info.name);
  const shape = shapeText(info.shape);
  if (end < begin) throw new GraftError('formats.tensor_offsets', { file, tensor, begin, end });
  if (end > dataBytes) {
    throw new GraftError('formats.tensor_beyond_file', { file, tensor, end, available: dataBytes });
  }
  const elements = exactProduct(info.shape);
  if (elements === undefined) throw new GraftError('formats.shape_overflow', { file, tensor, shape });
  if (!isDtype(dtype)) return;
  const bits = exactProduct([elements, bitsOf(dtype)]);
  if (bits === undefined) throw new GraftError('formats.shape_overflow', { file, tensor, shape });
  if (bits % 8 !== 0) throw new GraftError('formats.tensor_partial_byte', { file, tensor, dtype, shape });
  if (bits / 8 !== end - begin) {
    const params = { file, tensor, dtype, shape, expected: bits / 8, actual: end - begin };
    throw new GraftError('formats.tensor_size', params);
  }
}
