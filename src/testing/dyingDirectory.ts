import type { Directory, RandomAccessFile } from '../base/storage/types.ts';

/**
 * A directory that counts the changes made of it and of the folders in it, the first being 1, and dies in one of them:
 * a write is half done, anything else is not. From then on nothing changes any more.
 */
export interface DyingDirectory {
  folder: Directory;
  /** What was changed, in order. */
  changes: string[];
}

/** Why a directory fails that throws where it dies. */
export class Killed extends Error {}

/**
 * @param at the number of the change in which it dies; infinite to count only
 * @param die throws, or never resolves where someone else does the killing
 */
export function dyingDirectory(
  folder: Directory,
  at: number,
  die: () => Promise<never> = () => Promise.reject(new Killed()),
): DyingDirectory {
  const changes: string[] = [];
  /** @param half what is done of it in the change in which the directory dies */
  const change = async <T>(what: string, work: () => Promise<T>, half?: () => Promise<void>): Promise<T> => {
    if (changes.length >= at) return die();
    changes.push(what);
    if (changes.length < at) return work();
    await half?.();
    return die();
  };
  return { folder: dying(folder, change, ''), changes };
}

type Change = <T>(what: string, work: () => Promise<T>, half?: () => Promise<void>) => Promise<T>;

function dying(folder: Directory, change: Change, path: string): Directory {
  return {
    name: folder.name,
    list: () => folder.list(),
    open: (file) => folder.open(file),
    directories: () => folder.directories(),
    directory: async (name) => dying(await folder.directory(name), change, `${path}${name}/`),
    remove: (file) => change(`remove ${path}${file}`, () => folder.remove(file)),
    removeDirectory: (name) => change(`remove ${path}${name}/`, () => folder.removeDirectory(name)),
    async create(file) {
      const sink = await folder.create(file);
      return {
        write: (bytes) => change(`begin ${path}${file}`, () => sink.write(bytes)),
        close: () => change(`create ${path}${file}`, () => sink.close()),
        abort: () => sink.abort(),
      };
    },
    async edit(file): Promise<RandomAccessFile> {
      const opened = await change(`edit ${path}${file}`, () => folder.edit(file));
      return {
        ...opened,
        write: (offset, bytes) =>
          change(
            `write ${path}${file}`,
            () => opened.write(offset, bytes),
            () => opened.write(offset, bytes.subarray(0, bytes.byteLength >> 1)),
          ),
        truncate: (size) => change(`truncate ${path}${file}`, () => opened.truncate(size)),
      };
    },
  };
}
