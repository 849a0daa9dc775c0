import { parseBoundedJson } from '../../base/lib/boundedJson.ts';
import { createCrc32, takeCrc32 } from '../../base/lib/crc32.ts';
import { contentAt, readZipDirectory } from '../formats/zipReader.ts';
import { GraftError, messageOf } from '../../base/lib/errors.ts';
import { blobSource } from '../../base/storage/byteSource.ts';
import type { ByteSource } from '../../base/storage/types.ts';
import { CheckpointStore, parseManifest } from './checkpointStore.ts';
import { chunksOf } from './chunkStore.ts';
import { curvesFile } from './curveLog.ts';
import { checkpointsFile, headerFile } from './exportRun.ts';
import { parseHeader, RUN_FORMAT } from './header.ts';
import { chunkFolder, type StoredRun } from './storedRun.ts';
import type { RunStore } from './runStore.ts';

/** The largest part that is read, apart from chunks. */
const MAX_TEXT = 256 << 20;

/** Imports an exported run from a file that the user chose. Throws what `importArchive` throws. @returns its id here */
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
 * was running is paused. Its id stays, unless a run has it already, and so does its name.
 * Throws `runs.not_an_archive`, `runs.archive_damaged`, `runs.archive_newer`, and what writing throws.
 */
export async function importArchive(
  store: RunStore,
  zip: ByteSource,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<StoredRun> {
  const file = zip.name;
  const entries = await readZipDirectory(zip);
  const top = entries?.find(({ name }) => name.endsWith(`/${headerFile}`));
  const noRun = (detail: string) => new GraftError('runs.not_an_archive', { file, detail });
  if (!entries) throw noRun('it is not a zip file, was repacked, or is incomplete');
  if (!top) throw noRun(`it contains no ${headerFile}`);
  const prefix = top.name.slice(0, -headerFile.length);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const damaged = (part: string, cause?: unknown) =>
    new GraftError('runs.archive_damaged', { file, part }, { cause });
  const crc = await createCrc32();

  const bytesOf = async (name: string, most: number): Promise<Uint8Array<ArrayBuffer>> => {
    const entry = byName.get(prefix + name);
    const at = entry && entry.size <= most ? await contentAt(zip, entry) : null;
    if (!entry || at === null) throw damaged(name);
    const bytes = await zip.read(at, entry.size);
    if (takeCrc32(crc.update(bytes)) !== entry.crc) throw damaged(name);
    return bytes;
  };
  const parsed = async <T>(name: string, parse: (json: unknown) => T): Promise<T> => {
    const text = new TextDecoder().decode(await bytesOf(name, MAX_TEXT));
    try {
      const json = parseBoundedJson(text);
      checkFormat(file, json);
      return parse(json);
    } catch (cause) {
      if (cause instanceof GraftError && cause.code === 'runs.archive_newer') throw cause;
      throw damaged(`${name} (${messageOf(cause).slice(0, 200)})`, cause);
    }
  };

  const header = await parsed(headerFile, parseHeader);
  const { checkpoints } = await parsed(checkpointsFile, parseManifest);
  const curves = await bytesOf(curvesFile, MAX_TEXT);
  const all = [
    ...header.files,
    ...checkpoints.flatMap(({ state, files }) => [state, ...files.map(({ stored }) => stored)]),
  ];
  const wanted = chunksOf(all);
  const total = [...wanted.values()].reduce((sum, size) => sum + size, 0);
  const free = await store.freeId(header.id);
  const name = await store.freeName(header.name);
  return store.make(free, async (id, directory, chunks, fence) => {
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
    const options = { run: header.name, fence, otherFiles: () => header.files };
    await CheckpointStore.create(directory, chunks, options).begin(checkpoints);
    return { ...header, id, name, state: header.state === 'running' ? 'paused' : header.state };
  });
}

/** Throws `runs.archive_newer`. */
function checkFormat(file: string, json: unknown): void {
  const version = (json as { format?: unknown } | null)?.format;
  if (typeof version === 'number' && version > RUN_FORMAT) {
    throw new GraftError('runs.archive_newer', { file, version, known: RUN_FORMAT });
  }
}
