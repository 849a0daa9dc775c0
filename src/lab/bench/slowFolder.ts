import { copyingSource } from '../../base/storage/byteSource.ts';
import type { ByteSource, Folder } from '../../base/storage/types.ts';

/**
 * A folder whose files are read sequentially at a given speed.
 * @param bytesPerSecond Infinity for their actual speed
 */
export function slowFolder(folder: Folder, disk: { bytesPerSecond: number }): Folder {
  let free = 0;
  /** Resolves when a disk that is asked now would have read this many bytes. */
  const reading = async (bytes: number): Promise<void> => {
    free = Math.max(free, performance.now()) + (1000 * bytes) / disk.bytesPerSecond;
    const wait = free - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  };
  return {
    name: folder.name,
    list: () => folder.list(),
    async open(file): Promise<ByteSource> {
      const source = await folder.open(file);
      const { name, size } = source;
      return copyingSource({
        name,
        size,
        async read(offset, length) {
          await reading(length);
          return source.read(offset, length);
        },
      });
    },
  };
}
