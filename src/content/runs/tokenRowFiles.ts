import * as v from 'valibot';
import type { RowsPlace, StreamedRows } from '../data/tokens/trainRows.ts';
import { referenceBytes, tokenRowsOf, type TokenRows } from '../data/tokens/tokenRows.ts';
import type { PreferenceColumn } from '../data/tokens/preferenceColumn.ts';
import { bytesSource } from '../../base/storage/byteSource.ts';
import type { ByteSource } from '../../base/storage/types.ts';

/** The arrays of token rows, by the names their files have, and what each is made of. */
const arrays = { ids: Int32Array, labels: Int32Array, offsets: Uint32Array, weights: Float32Array } as const;

const keys = ['ids', 'labels', 'offsets', 'weights'] as const;

/** Kinds of preference data, and the files of their columns. */
const kinds = ['pairs', 'labels'] as const;
const columnFile = (name: string, kind: PreferenceColumn['kind']) => `${name}.preference-${kind}`;

/**
 * Token rows as files of a run: `name.ids`, `name.labels`, `name.offsets`, `name.weights` where losses have
 * weights, and `name.preference-pairs` or `name.preference-labels` of preference data; 32-bit little-endian as in memory. What the
 * answers to prompts are compared with is `name.references`, a line of JSON each.
 */
export function tokenRowFiles(name: string, rows: TokenRows): ByteSource[] {
  const { preference, references } = rows;
  return [
    ...keys.flatMap((key) => (rows[key] ? [fileOf(`${name}.${key}`, rows[key])] : [])),
    ...(preference ? [fileOf(columnFile(name, preference.kind), preference.values)] : []),
    ...(references ? [bytesSource(`${name}.references`, referenceBytes(references))] : []),
  ];
}

function fileOf(name: string, { buffer, byteOffset, byteLength }: ArrayBufferView): ByteSource {
  return bytesSource(name, new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
}

/** Where streamed rows are, as a file of a run, which goes on with them: `name.place`. */
export function rowsPlaceFile(name: string, { place }: StreamedRows): ByteSource {
  return bytesSource(`${name}.place`, new TextEncoder().encode(JSON.stringify(place)));
}

/** Where the streamed rows `name` of a run are; null where it has none of that name. */
export async function readRowsPlace(
  name: string,
  files: readonly Pick<ByteSource, 'name' | 'size' | 'read'>[],
): Promise<RowsPlace | null> {
  const file = files.find((one) => one.name === `${name}.place`);
  if (!file) return null;
  const json: unknown = JSON.parse(new TextDecoder().decode(await file.read(0, file.size)));
  return v.parse(placeSchema, json);
}

const placeSchema = v.object({
  store: v.string(),
  heldOut: v.array(v.pipe(v.number(), v.integer(), v.minValue(0))),
});

/** The token rows `name` of a run's files, verified by who gives the files; null where it has none of that name. */
export async function readTokenRows(
  name: string,
  files: readonly Pick<ByteSource, 'name' | 'size' | 'read'>[],
): Promise<TokenRows | null> {
  const rows = tokenRowsOf([]);
  for (const key of keys) {
    const file = files.find((one) => one.name === `${name}.${key}`);
    if (!file && key === 'weights') continue;
    if (!file) return null;
    const bytes = await file.read(0, file.size);
    Object.assign(rows, { [key]: new arrays[key](bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2) });
  }
  for (const kind of kinds) {
    const file = files.find((one) => one.name === columnFile(name, kind));
    if (!file) continue;
    const bytes = await file.read(0, file.size);
    rows.preference = {
      kind,
      values: new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2),
    };
  }
  const references = files.find((one) => one.name === `${name}.references`);
  if (references)
    rows.references = new TextDecoder().decode(await references.read(0, references.size)).split('\n');
  return rows;
}
