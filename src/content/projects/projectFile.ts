import { parseBoundedJson } from '../../base/lib/boundedJson.ts';
import { createCrc32, takeCrc32 } from '../../base/lib/crc32.ts';
import { concatBytes } from '../../base/lib/bytes.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { ByteSource } from '../../base/storage/types.ts';
import { contentAt, readZipDirectory, type StoredEntry } from '../formats/zipReader.ts';
import { centralHeader, dosTime, localHeader, zipEnd } from '../formats/zipRecords.ts';
import { contentHashOf } from './contentHash.ts';
import { parseProject, parseRows, type Project } from './project.ts';
import { copiesOf, type ProjectStore } from './projectStore.ts';

/** The name of a project's own file in its export. */
export const projectFile = 'graft-project.json';
/** The largest JSON that is read. */
const MAX_TEXT = 64 << 20;

/** A project as one file: a zip of its JSON, its rows' edits and its data. Throws as `ProjectStore.read` does. */
export async function exportProject(store: ProjectStore, id: string, name: string): Promise<File> {
  const project = await store.read(id);
  const parts: [string, Uint8Array<ArrayBuffer>][] = [[projectFile, json({ ...project, name, runs: [] })]];
  for (const hash of await store.changedFiles(id))
    parts.push([`rows/${hash}.json`, json(await store.rows(id, hash))]);
  for (const hash of copiesOf(project)) {
    const file = await store.file(hash);
    parts.push([`data/${hash}`, await file.read(0, file.size)]);
  }
  const folder =
    name
      .replace(/[^\p{L}\p{N}._ -]+/gu, '-')
      .replace(/^[. ]+/, '')
      .trim()
      .slice(0, 80) || 'project';
  const crc = await createCrc32();
  const modified = dosTime(new Date(project.changedAt));
  const blobs: BlobPart[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const [path, bytes] of parts) {
    const record = {
      name: new TextEncoder().encode(`${folder}/${path}`),
      size: bytes.byteLength,
      crc: takeCrc32(crc.update(bytes)),
      modified,
      offset,
    };
    const head = localHeader(record);
    blobs.push(head, bytes);
    central.push(centralHeader(record));
    offset += head.byteLength + bytes.byteLength;
  }
  const directory = concatBytes(central);
  blobs.push(directory, zipEnd(parts.length, directory.byteLength, offset));
  return new File(blobs, `${folder}.graft-project.zip`, { type: 'application/zip' });
}

/**
 * Imports an exported project under a new id: all of it is checked before anything is in the list.
 * @param hubs endpoints that it may have its model of: whoever made it does not choose where the page connects to
 * Throws `projects.not_a_project`, `projects.newer`, `projects.invalid`.
 */
export async function importProject(
  store: ProjectStore,
  zip: ByteSource,
  made: Pick<Project, 'id' | 'changedAt'>,
  hubs: readonly string[],
): Promise<void> {
  const refuse = (detail: string) => new GraftError('projects.not_a_project', { file: zip.name, detail });
  const entries = await readZipDirectory(zip);
  const top = entries?.find(({ name }) => name.endsWith(`/${projectFile}`));
  if (!entries) throw refuse('it is not a zip file, was repacked, or is incomplete');
  if (!top) throw refuse(`it contains no ${projectFile}`);
  const prefix = top.name.slice(0, -projectFile.length);
  const crc = await createCrc32();
  const read = async (entry: StoredEntry): Promise<Uint8Array<ArrayBuffer>> => {
    const at = await contentAt(zip, entry);
    const bytes = at === null ? null : await zip.read(at, entry.size);
    if (!bytes || takeCrc32(crc.update(bytes)) !== entry.crc) throw refuse(`“${entry.name}” is damaged`);
    return bytes;
  };
  const readJson = async (entry: StoredEntry): Promise<unknown> => {
    if (entry.size > MAX_TEXT) throw refuse(`“${entry.name}” is too large`);
    const bytes = await read(entry);
    try {
      return parseBoundedJson(new TextDecoder().decode(bytes));
    } catch {
      throw refuse(`“${entry.name}” is damaged`);
    }
  };
  const project = parseProject(await readJson(top));
  const rows: [string, ReturnType<typeof parseRows>][] = [];
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const entry of entries) {
    const path = entry.name.slice(prefix.length);
    const changed = /^rows\/(\w+)\.json$/.exec(path)?.[1];
    if (changed) rows.push([changed, parseRows(await readJson(entry))]);
    const copied = /^data\/(\w+)$/.exec(path)?.[1];
    if (copied) {
      const bytes = await read(entry);
      const hash = await contentHashOf({
        size: bytes.byteLength,
        read: async (at, n) => bytes.slice(at, at + n),
      });
      if (hash !== copied) throw refuse(`“${entry.name}” is damaged`);
      files.set(hash, bytes);
    }
  }
  if (copiesOf(project).some((hash) => !files.has(hash))) throw refuse('its data is missing');
  for (const [hash, bytes] of files)
    await store.keep(hash, { size: bytes.byteLength, read: async (at, n) => bytes.slice(at, at + n) });
  for (const [hash, changes] of rows) await store.writeRows(made.id, hash, changes);
  await store.write({ ...project, ...made, model: modelFrom(project, hubs), example: false, runs: [] });
}

/** The model of a project of others: of another Hub it is one that the user has to open. */
function modelFrom({ model }: Project, hubs: readonly string[]): Project['model'] {
  if (model?.kind !== 'hub') return model;
  const { name, facts } = model;
  if (!hubs.includes(facts.endpoint)) return { kind: 'dropped', name };
  return { ...model, facts: { ...facts, page: `${facts.endpoint}/${facts.repo}` } };
}

const json = (value: unknown): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`);
