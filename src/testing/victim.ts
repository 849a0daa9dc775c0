import { writeFileSync } from 'node:fs';
import files, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { resolve, sep } from 'node:path';

/**
 * What befalls a process that has this module loaded before it, from GRAFT_VICTIM. It signals itself, so that the
 * signal comes exactly there, however busy the machine is.
 */
export interface VictimOrders {
  /** With `mark` or `change`. */
  signal?: NodeJS.Signals;
  /** Once these words are on stderr. */
  mark?: string;
  /** In the middle of this change of a file below `folder`, the first being 1; infinite ones are only listed. */
  change?: { folder: string; number: number | null };
  /** The disk of `folder` gets full: writes below it fail. */
  full?: FullDisk;
  /** Where the changes are listed, when the process ends by itself. */
  report?: string;
}

/** Which writes below a folder fail. */
export interface FullDisk {
  folder: string;
  /** The first that fails: 1 is the first of all, or after the words `after` on stderr. */
  from: number;
  after?: string;
  /** How many fail; null for good. */
  count: number | null;
}

const orders = JSON.parse(process.env.GRAFT_VICTIM ?? 'null') as VictimOrders | null;
if (orders?.mark !== undefined) watchOutput(orders.mark, die);
if (orders?.change) watchFiles(resolve(orders.change.folder), orders.change.number ?? Infinity);

if (orders?.full) fillDisk(orders.full);

function die(): void {
  process.kill(process.pid, orders!.signal!);
}

/** Calls `then` once the words stand on stderr. */
function watchOutput(mark: string, then: () => void): void {
  const write = process.stderr.write.bind(process.stderr) as (...args: unknown[]) => boolean;
  let seen = '';
  process.stderr.write = (...args: unknown[]) => {
    const result = write(...args);
    const before = seen.includes(mark);
    seen += String(args[0]);
    if (!before && seen.includes(mark)) then();
    return result;
  };
}

function fillDisk({ folder, from, after, count }: FullDisk): void {
  const below = resolve(folder) + sep;
  const last = from + (count ?? Infinity);
  let begun = after === undefined;
  if (after !== undefined) watchOutput(after, () => (begun = true));
  const { open } = files;
  let writes = 0;
  files.open = async (path, flags, mode) => {
    const handle = await open(path, flags, mode);
    if (!resolve(String(path)).startsWith(below)) return handle;
    const write = handle.write.bind(handle) as (...args: unknown[]) => ReturnType<FileHandle['write']>;
    handle.write = (async (...args: unknown[]) => {
      if (begun) writes += 1;
      if (writes < from || writes >= last) return write(...args);
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    }) as FileHandle['write'];
    return handle;
  };
  syncBuiltinESMExports();
}

function watchFiles(folder: string, last: number): void {
  const changes: string[] = [];
  const isBelow = (path: unknown): path is string => resolve(String(path)).startsWith(folder + sep);
  /** Counts a change that is made at once, and dies behind it. */
  const whole = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const isLast = changes.push(what) === last;
    const result = await work();
    if (isLast) die();
    return result;
  };
  const { open, rename, rm } = files;
  files.open = async (path, flags, mode) => {
    const handle = await open(path, flags, mode);
    return isBelow(path) ? watched(handle, path) : handle;
  };
  files.rename = (from, to) =>
    isBelow(to) ? whole(`rename to ${to}`, () => rename(from, to)) : rename(from, to);
  files.rm = (path, options) =>
    isBelow(path) ? whole(`remove ${path}`, () => rm(path, options)) : rm(path, options);
  syncBuiltinESMExports();
  if (orders?.report) process.on('exit', () => writeFileSync(orders.report!, JSON.stringify(changes)));

  function watched(handle: FileHandle, path: string): FileHandle {
    const write = handle.write.bind(handle) as (
      bytes: Uint8Array,
      from: number,
      length: number,
      at?: number,
    ) => ReturnType<FileHandle['write']>;
    const truncate = handle.truncate.bind(handle);
    handle.truncate = (size) => whole(`truncate ${path}`, () => truncate(size));
    handle.write = (async (bytes: Uint8Array, from: number, length: number, at?: number) => {
      if (changes.push(`write ${path}`) !== last) return write(bytes, from, length, at);
      const half = await write(bytes, from, length >> 1, at);
      die();
      return half;
    }) as FileHandle['write'];
    return handle;
  }
}
