import { createRandom, shuffle, type Random } from '../base/lib/random.ts';
import { checkFileName } from '../base/lib/fileName.ts';
import { GraftError } from '../base/lib/errors.ts';
import { bytesSource, checkRange } from '../base/storage/byteSource.ts';
import type { Directory, RandomAccessFile } from '../base/storage/types.ts';

/** A fault of a storage call: it fails, has no space, silently writes half, or the machine goes down. */
export type Fault = 'fail' | 'quota' | 'short' | 'half quota' | 'crash';

/** What remains of unflushed writes: everything, nothing, zeros, or some sectors of some writes. */
export type Loss = 'none' | 'drop' | 'zero' | 'reorder';

type Change = { offset: number; bytes: Uint8Array } | { size: number };

interface DiskFile {
  /** Content as seen by readers; null once removed. */
  now: Uint8Array<ArrayBuffer> | null;
  /** Content guaranteed after a power loss; null if the file would not exist. */
  durable: Uint8Array<ArrayBuffer> | null;
  /** Writes since the last flush. */
  changes: Change[];
}

const SECTOR = 64;

/** An in-memory disk that counts its calls and can fail at any of them, or lose power. */
export class FaultyDisk {
  readonly files = new Map<string, DiskFile>();
  /** Numbers of started calls and of writes among them, and the fault to inject. */
  calls = 0;
  readonly writes: number[] = [];
  fault: { at: number; kind: Fault } | null = null;
  /** The machine is down: every call fails. */
  down = false;

  /** The root directory. */
  get root(): Directory {
    return directoryOn(this, '');
  }

  /** A copy in the same state, with its call count at zero. */
  copy(): FaultyDisk {
    const copy = new FaultyDisk();
    for (const [path, { now, durable, changes }] of this.files) {
      copy.files.set(path, {
        now: now && now.slice(),
        durable: durable && durable.slice(),
        changes: [...changes],
      });
    }
    return copy;
  }

  /** The disk as found after the machine went down. */
  after(loss: Loss, random: Random = createRandom(1)): FaultyDisk {
    const found = new FaultyDisk();
    for (const [path, file] of this.files) {
      const bytes = loss === 'none' ? file.now : survived(file, loss, random);
      if (bytes) found.files.set(path, { now: bytes, durable: bytes.slice(), changes: [] });
    }
    return found;
  }

  /** Counts a call; returns true if it must write only half. */
  call(file: string, writes: boolean): boolean {
    if (this.down) throw new Error('the machine is down');
    this.calls += 1;
    if (writes) this.writes.push(this.calls);
    if (this.fault?.at !== this.calls) return false;
    const { kind } = this.fault;
    if (kind === 'crash') this.down = true;
    if (kind === 'short' || kind === 'half quota') return writes;
    if (kind === 'quota' && !writes) return false;
    if (kind === 'quota') throw new GraftError('storage.quota', { file });
    throw new Error(`call ${this.calls} fails`);
  }
}

function survived(
  { now, durable, changes }: DiskFile,
  loss: Loss,
  random: Random,
): Uint8Array<ArrayBuffer> | null {
  const chance = (): boolean => random.next() < 0.5;
  if (loss === 'drop') return durable;
  // The removal or creation of a file that may not have reached the disk.
  if (now === null) return chance() ? durable : null;
  if (durable === null && loss === 'reorder' && chance()) return null;
  let bytes: Uint8Array<ArrayBuffer> = durable ? durable.slice() : new Uint8Array(0);
  const parts = changes.flatMap((change): Change[] => {
    if ('size' in change) return [change];
    if (loss === 'zero') return [{ offset: change.offset, bytes: new Uint8Array(change.bytes.byteLength) }];
    return sectorsOf(change.offset, change.bytes);
  });
  for (const change of loss === 'reorder' ? shuffle(parts, random) : parts) {
    if (loss === 'reorder' && chance()) continue;
    bytes = changed(bytes, change);
  }
  return bytes;
}

function sectorsOf(offset: number, bytes: Uint8Array): Change[] {
  const sectors: Change[] = [];
  for (let at = 0; at < bytes.byteLength; at += SECTOR) {
    sectors.push({ offset: offset + at, bytes: bytes.subarray(at, at + SECTOR) });
  }
  return sectors;
}

function changed(bytes: Uint8Array<ArrayBuffer>, change: Change): Uint8Array<ArrayBuffer> {
  const size =
    'size' in change ? change.size : Math.max(bytes.byteLength, change.offset + change.bytes.byteLength);
  const result = new Uint8Array(size);
  result.set(bytes.subarray(0, size));
  if ('bytes' in change) result.set(change.bytes, change.offset);
  return result;
}

/** The directory of files whose paths start with `prefix`. */
function directoryOn(disk: FaultyDisk, prefix: string): Directory {
  const name = prefix.split('/').at(-2) ?? 'disk';
  const there = (file: string): DiskFile | null => {
    const found = disk.files.get(prefix + file);
    return found?.now ? found : null;
  };
  const below = (): string[] =>
    [...disk.files].flatMap(([path, { now }]) =>
      now && path.startsWith(prefix) ? path.slice(prefix.length) : [],
    );
  const removeAt = (path: string): void => {
    const file = disk.files.get(path)!;
    Object.assign(file, { now: null, changes: [] });
  };
  return {
    name,
    list: async () => (
      disk.call(name, false),
      below()
        .filter((path) => !path.includes('/'))
        .sort()
    ),
    directories: async () => {
      disk.call(name, false);
      const paths = below().filter((path) => path.includes('/'));
      return [...new Set(paths.map((path) => path.split('/')[0]!))].sort();
    },
    async directory(folder) {
      checkFileName(folder);
      return directoryOn(disk, `${prefix}${folder}/`);
    },
    async removeDirectory(folder) {
      for (const path of [...disk.files.keys()]) {
        if (!path.startsWith(`${prefix}${folder}/`) || !disk.files.get(path)!.now) continue;
        disk.call(path, false);
        removeAt(path);
      }
    },
    async open(file) {
      disk.call(file, false);
      const found = there(file);
      if (!found) throw new GraftError('storage.not_found', { file, folder: name });
      const source = bytesSource(file, found.now!);
      return {
        ...source,
        async read(offset, length) {
          disk.call(file, false);
          return source.read(offset, length);
        },
      };
    },
    async create() {
      throw new Error('runs are changed in place');
    },
    async remove(file) {
      disk.call(file, false);
      if (!there(file)) throw new GraftError('storage.not_found', { file, folder: name });
      removeAt(prefix + file);
    },
    async edit(file) {
      checkFileName(file);
      disk.call(file, false);
      const path = prefix + file;
      const known = disk.files.get(path) ?? { now: null, durable: null, changes: [] };
      known.now ??= new Uint8Array(0);
      disk.files.set(path, known);
      return fileOn(disk, file, known);
    },
  };
}

function fileOn(disk: FaultyDisk, name: string, file: DiskFile): RandomAccessFile {
  const change = (one: Change): void => {
    file.changes.push(one);
    file.now = changed(file.now!, one);
  };
  return {
    name,
    size: async () => (disk.call(name, false), file.now!.byteLength),
    async read(offset, length) {
      disk.call(name, false);
      checkRange({ name, size: file.now!.byteLength }, offset, length);
      return file.now!.slice(offset, offset + length);
    },
    async write(offset, bytes) {
      const crashes = disk.fault?.kind === 'crash' && disk.fault.at === disk.calls + 1;
      const half = bytes.subarray(0, bytes.byteLength >> 1).slice();
      // A crash in the middle of a write.
      if (crashes) change({ offset, bytes: half });
      if (!disk.call(name, true)) return change({ offset, bytes: bytes.slice() });
      change({ offset, bytes: half });
      if (disk.fault!.kind === 'half quota') throw new GraftError('storage.quota', { file: name });
    },
    async truncate(size) {
      disk.call(name, false);
      change({ size });
    },
    async flush() {
      disk.call(name, false);
      Object.assign(file, { durable: file.now!.slice(), changes: [] });
    },
    close: async () => undefined,
  };
}
