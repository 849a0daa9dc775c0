import { createSHA256 } from 'hash-wasm';
import type { ByteSink, ByteSource, WritableFolder } from '../../base/storage/types.ts';

/** Where a job folder is written to. Paths have slashes: `rows/00000.parquet`. */
export interface JobSink {
  /** Nothing is visible under the path before the sink is closed. */
  create(path: string): Promise<ByteSink>;
}

/** A job folder that is read. */
export interface JobSource {
  name: string;
  /** Paths of all files, those in folders too, with slashes. */
  paths(): Promise<string[]>;
  /** Throws `storage.not_found`. */
  open(path: string): Promise<ByteSource>;
}

/** A file of a job as `job.json` lists it. */
export interface JobFile {
  path: string;
  size: number;
  /** SHA-256 of its bytes, in hex. */
  sha256: string;
}

/** A job folder's files as they are written, each with its size and hash. */
export class HashedFiles implements JobSink {
  readonly files: JobFile[] = [];
  readonly #sink: JobSink;

  constructor(sink: JobSink) {
    this.#sink = sink;
  }

  async create(path: string): Promise<ByteSink> {
    const [sink, hasher] = [await this.#sink.create(path), await createSHA256()];
    let size = 0;
    return {
      write: async (bytes) => {
        hasher.update(bytes);
        size += bytes.byteLength;
        await sink.write(bytes);
      },
      close: async () => {
        await sink.close();
        this.files.push({ path, size, sha256: hasher.digest('hex') });
      },
      abort: () => sink.abort(),
    };
  }
}

/** A folder of a job, as writers of flat folders take it. */
export function inJob(sink: JobSink, folder: string): Pick<WritableFolder, 'create'> {
  return { create: (file) => sink.create(`${folder}/${file}`) };
}

/** Bytes that are read at once. */
const READ_BYTES = 16 << 20;

/** SHA-256 of a file, in hex. */
export async function sha256Of(source: ByteSource): Promise<string> {
  const hasher = await createSHA256();
  for (let at = 0; at < source.size; at += READ_BYTES)
    hasher.update(await source.read(at, Math.min(READ_BYTES, source.size - at)));
  return hasher.digest('hex');
}
