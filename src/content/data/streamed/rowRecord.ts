import { IGNORED } from '../labels/tokenizedRow.ts';
import type { TokenRow } from '../tokens/tokenRows.ts';

/** Bytes of a row's checksum, at the end of its record. */
export const SUM_BYTES = 4;

/** What a record holds beside ids and which of them are trained. */
export const recordParts = {
  /** Labels that are not the ids themselves, as pre-tokenized rows may have. */
  labels: 1,
  weights: 2,
} as const;

/** How a record is laid out. */
export interface RecordShape {
  tokens: number;
  /** The sum of its {@link recordParts}. */
  parts: number;
  /** Of an id: 2 where all of the vocabulary fit, else 4. */
  idBytes: number;
}

/** Bytes of a record with its checksum. */
export function recordBytes({ tokens, parts, idBytes }: RecordShape): number {
  const labels = parts & recordParts.labels ? 4 * tokens : 0;
  const weights = parts & recordParts.weights ? 4 * tokens : 0;
  return tokens * idBytes + Math.ceil(tokens / 8) + labels + weights + SUM_BYTES;
}

/** Which parts a row's record needs. */
export function partsOf({ ids, labels, weights }: Pick<TokenRow, 'ids' | 'labels' | 'weights'>): number {
  let parts = 0;
  for (let i = 0; i < ids.length; i++) {
    if (labels[i] !== IGNORED && labels[i] !== ids[i]) parts |= recordParts.labels;
    if (weights && weights[i] !== 1) parts |= recordParts.weights;
  }
  return parts;
}

/** Writes a row's record at `at`, but for its checksum; little-endian. */
export function writeRecord(
  view: DataView,
  at: number,
  row: TokenRow,
  { tokens, parts, idBytes }: RecordShape,
): void {
  const { ids, labels, weights } = row;
  let to = at;
  for (let i = 0; i < tokens; i++, to += idBytes) {
    if (idBytes === 2) view.setUint16(to, ids[i]!, true);
    else view.setUint32(to, ids[i]!, true);
  }
  for (let i = 0; i < tokens; i += 8, to++) {
    let bits = 0;
    for (let bit = 0; bit < 8 && i + bit < tokens; bit++) if (labels[i + bit] !== IGNORED) bits |= 1 << bit;
    view.setUint8(to, bits);
  }
  if (parts & recordParts.labels)
    for (let i = 0; i < tokens; i++, to += 4) view.setInt32(to, labels[i]!, true);
  if (parts & recordParts.weights)
    for (let i = 0; i < tokens; i++, to += 4) view.setFloat32(to, weights![i]!, true);
}

/** The row of a record. @param weighted whether rows without weights of their own get ones that are 1 */
export function readRecord(
  bytes: Uint8Array<ArrayBuffer>,
  { tokens, parts, idBytes }: RecordShape,
  weighted: boolean,
): TokenRow {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ids = new Int32Array(tokens);
  const labels = new Int32Array(tokens);
  let at = tokens * idBytes;
  for (let i = 0; i < tokens; i++) {
    ids[i] = idBytes === 2 ? view.getUint16(2 * i, true) : view.getUint32(4 * i, true);
    labels[i] = (bytes[at + (i >> 3)]! >> (i & 7)) & 1 ? ids[i]! : IGNORED;
  }
  at += Math.ceil(tokens / 8);
  if (parts & recordParts.labels) {
    for (let i = 0; i < tokens; i++, at += 4) labels[i] = view.getInt32(at, true);
  }
  if (!weighted) return { ids, labels };
  const weights = new Float32Array(tokens).fill(1);
  if (parts & recordParts.weights) {
    for (let i = 0; i < tokens; i++, at += 4) weights[i] = view.getFloat32(at, true);
  }
  return { ids, labels, weights };
}
