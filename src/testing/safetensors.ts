import { concatBytes } from '../base/lib/bytes.ts';
import { copyingSource } from '../base/storage/byteSource.ts';
import type { ByteSource } from '../base/storage/types.ts';

/** A safetensors file with exactly this header text, however invalid, and this much data (bytes 0, 1, 2, …). */
export function rawSafetensors(header: string | Uint8Array, dataBytes: number): Uint8Array<ArrayBuffer> {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.byteLength), true);
  return concatBytes([length, json, Uint8Array.from({ length: dataBytes }, (_, i) => i)]);
}

/** Wraps a source and records every read, so that a test can see what was requested. */
export function recordReads(source: ByteSource): {
  source: ByteSource;
  reads: { offset: number; length: number }[];
} {
  const reads: { offset: number; length: number }[] = [];
  const read = (offset: number, length: number): ReturnType<ByteSource['read']> => {
    reads.push({ offset, length });
    return source.read(offset, length);
  };
  return { source: copyingSource({ name: source.name, size: source.size, read }), reads };
}
