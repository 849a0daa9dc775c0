import { createCRC32 } from 'hash-wasm';
import { contentAt, readZipDirectory } from '../formats/zipReader.ts';
import { GraftError, messageOf } from '../lib/errors.ts';
import { blobSource } from '../storage/byteSource.ts';
import type { ByteSource } from '../storage/types.ts';
import { CheckpointStore, parseManifest } from './checkpointStore.ts';
import { chunksOf } from './chunkStore.ts';
import { curvesFile } from './curveLog.ts';
import { checkpointsFile, headerFile } from './exportRun.ts';
import { parseHeader, RUN_FORMAT } from './header.ts';
import { chunkFolder, type Run } from './run.ts';
import type { RunStore } from './runStore.ts';

/** The largest of its parts but chunks that are read. */
const MOST_TEXT = 256 << 20;

/** Imports an exported run that a person has chosen. Throws what `importArchive` throws. @returns its id here */
export async function importRun(
  store: RunStore,
  file: File,
  onProgress?: (done: number, total: number) => void,
): Promise<string> {
  const run = await importArchive(store, blobSource(file.name, file), onProgress);
  await run.close();
  return run.id;
}

/**
 * Imports an exported run: every byte is checked before the run is in the list; what fails leaves nothing behind. One that
 * was running is paused. Its id stays, unless there is a run of that id already.
 * Throws `runs.not_an_archive`, `runs.archive_damaged`, `runs.archive_newer`, and what writing throws.
 */
export async function importArchive(
  store: RunStore,
  zip: ByteSource,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<Run> {
  const file = zip.name;
  const entries = await readZipDirectory(zip);
  const top = entries?.find(({ name }) => name.endsWith(`/${headerFile}`));
  const noRun = (detail: string) => new GraftError('runs.not_an_archive', { file, detail });
  if (!entries) throw noRun('it is no zip, was packed again, or is cut off');
  if (!top) throw noRun(`there is no ${headerFile} in it`);
  const prefix = top.name.slice(0, -headerFile.length);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const damaged = (part: string, cause?: unknown) =>
    new GraftError('runs.archive_damaged', { file, part }, { cause });
  const crc = await createCRC32();

  const bytesOf = async (name: string, most: number): Promise<Uint8Array<ArrayBuffer>> => {
    const entry = byName.get(prefix + name);
    const at = entry && entry.size <= most ? await contentAt(zip, entry) : null;
    if (!entry || at === null) throw damaged(name);
    const bytes = await zip.read(at, entry.size);
    if (Number.parseInt(crc.init().update(bytes).digest('hex'), 16) !== entry.crc) throw damaged(name);
    return bytes;
  };
  const parsed = async <T>(name: string, parse: (json: unknown) => T): Promise<T> => {
    const text = new TextDecoder().decode(await bytesOf(name, MOST_TEXT));
    try {
      const json = JSON.parse(text) as unknown;
      checkFormat(file, json);
      return parse(json);
    } catch (cause) {
      if (cause instanceof GraftError && cause.code === 'runs.archive_newer') throw cause;
      throw damaged(`${name} (${messageOf(cause).slice(0, 200)})`, cause);
    }
  };

  const header = await parsed(headerFile, parseHeader);
  const { checkpoints } = await parsed(checkpointsFile, parseManifest);
  const curves = await bytesOf(curvesFile, MOST_TEXT);
  const all = [
    ...header.files,
    ...checkpoints.flatMap(({ state, files }) => [state, ...files.map(({ stored }) => stored)]),
  ];
  const wanted = chunksOf(all);
  const total = [...wanted.values()].reduce((sum, size) => sum + size, 0);
  const free = await store.freeId(header.id);
  return store.make(free, async (id, directory, chunks) => {
    let done = 0;
    for (const [name, size] of wanted) {
      const bytes = await bytesOf(`${chunkFolder}/${name}`, size);
      if (bytes.byteLength !== size || (await chunks.putChunk(bytes)) !== name) {
        throw damaged(`${chunkFolder}/${name}`);
      }
      onProgress((done += size), total);
    }
    const log = await directory.edit(curvesFile);
    try {
      await log.write(0, curves);
      await log.flush();
    } finally {
      await log.close();
    }
    const options = { run: header.name, otherFiles: () => header.files };
    await CheckpointStore.create(directory, chunks, options).begin(checkpoints);
    return { ...header, id, state: header.state === 'running' ? 'paused' : header.state };
  });
}

/** Throws `runs.archive_newer`. */
function checkFormat(file: string, json: unknown): void {
  const version = (json as { format?: unknown } | null)?.format;
  if (typeof version === 'number' && version > RUN_FORMAT) {
    throw new GraftError('runs.archive_newer', { file, version, known: RUN_FORMAT });
  }
}
