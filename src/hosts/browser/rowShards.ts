import { opfsDirectory } from '../../base/storage/opfsDirectory.ts';
import type { Directory } from '../../base/storage/types.ts';

/** The folder of the origin private file system that rows of large files are tokenized to. Throws `storage.opfs_denied`. */
export function opfsRowShards(): Promise<Directory> {
  return opfsDirectory('rows');
}
