import { concatBytes } from '../../base/lib/bytes.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { bitsOf, exactProduct, isDtype } from './dtypes.ts';
import type { SafetensorsFile } from './safetensors.ts';
import { clip, maxHeaderBytes } from './safetensorsHeader.ts';

/** A tensor to be written. */
export interface TensorEntry {
  name: string;
  dtype: string;
  shape: readonly number[];
  /** Needed only for a dtype whose size isn't known. */
  byteLength?: number;
}

/** The `__metadata__` to be written, in order. */
export type Metadata = Record<string, string> | ReadonlyMap<string, string>;

/** A safetensors file before its data: the header's bytes, the tensors in the order of their data, the file's size. */
export interface SafetensorsLayout {
  /** Length, JSON and padding: everything before the data. */
  header: Uint8Array<ArrayBuffer>;
  tensors: { name: string; byteLength: number }[];
  totalBytes: number;
}

/** Bytes a tensor takes. Throws `formats.write_entry` for an unknown dtype without `byteLength`, or an impossible shape. */
export function tensorBytes(entry: TensorEntry, file = '?'): number {
  const fail = (problem: string): never => {
    throw new GraftError('formats.write_entry', { file, tensor: clip(entry.name), problem });
  };
  if (!entry.shape.every((size) => Number.isSafeInteger(size) && size >= 0))
    fail('its shape is not made of whole numbers');
  if (!isDtype(entry.dtype)) return entry.byteLength ?? fail(`the size of dtype ${entry.dtype} is unknown`);
  const bits = exactProduct([...entry.shape, bitsOf(entry.dtype)]);
  if (bits === undefined || bits % 8 !== 0)
    return fail('its shape does not amount to a whole number of bytes');
  if (entry.byteLength !== undefined && entry.byteLength !== bits / 8) fail('its shape and its size differ');
  return bits / 8;
}

/**
 * Lays out a file: the data in the order of `entries`, the header naming them in `headerOrder` (the same unless
 * given) and padded with spaces so that the data starts at a multiple of 8. Written as the safetensors library writes
 * it, byte for byte. Throws `formats.write_entry` for repeated or unwritable names.
 */
export function safetensorsLayout(
  entries: readonly TensorEntry[],
  metadata: Metadata = {},
  headerOrder: readonly string[] = entries.map(({ name }) => name),
  file = '?',
): SafetensorsLayout {
  const members = new Map<string, string>();
  const tensors: SafetensorsLayout['tensors'] = [];
  let end = 0;
  for (const entry of entries) {
    const { name, dtype, shape } = entry;
    const problem = unwritable(name) ?? (members.has(name) ? 'it appears twice' : undefined);
    if (problem !== undefined)
      throw new GraftError('formats.write_entry', { file, tensor: clip(name), problem });
    const byteLength = tensorBytes(entry, file);
    const begin = end;
    end += byteLength;
    tensors.push({ name, byteLength });
    members.set(
      name,
      `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`,
    );
  }
  const header = encodeHeader(membersInOrder(members, headerOrder, file), metadata, file);
  return { header, tensors, totalBytes: header.byteLength + end };
}

/** The layout of an open file as it stands, its header byte for byte: for copies that change values only. */
export async function layoutOf(file: SafetensorsFile): Promise<SafetensorsLayout> {
  const header = await file.readHeader();
  const tensors = file.inDataOrder().map(({ name, begin, end }) => ({ name, byteLength: end - begin }));
  return { header, tensors, totalBytes: file.source.size };
}

function membersInOrder(members: Map<string, string>, order: readonly string[], file: string): string[] {
  if (new Set(order).size !== members.size) {
    const problem = 'the header order does not list every tensor exactly once';
    throw new GraftError('formats.write_entry', { file, tensor: clip(order.join(', ')), problem });
  }
  return order.map((name) => {
    const member = members.get(name);
    if (member !== undefined) return member;
    const problem = 'the header order lists it, but there is no such tensor';
    throw new GraftError('formats.write_entry', { file, tensor: clip(name), problem });
  });
}

function encodeHeader(members: string[], metadata: Metadata, file: string): Uint8Array<ArrayBuffer> {
  // A Map, because an object would put keys like "1" first; `Object.fromEntries` would do the same to the output.
  const pairs = metadata instanceof Map ? [...metadata] : Object.entries(metadata);
  const texts = pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  const first = pairs.length === 0 ? [] : [`"__metadata__":{${texts.join(',')}}`];
  const json = new TextEncoder().encode(`{${[...first, ...members].join(',')}}`);
  const length = Math.ceil(json.byteLength / 8) * 8;
  if (length > maxHeaderBytes) {
    throw new GraftError('formats.header_too_large', { file, length, limit: maxHeaderBytes });
  }
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(length), true);
  return concatBytes([prefix, json, new Uint8Array(length - json.byteLength).fill(0x20)]);
}

function unwritable(name: string): string | undefined {
  if (name === '__metadata__') return 'the name is reserved';
  return /\p{Surrogate}/u.test(name) ? 'the name is not valid Unicode' : undefined;
}
