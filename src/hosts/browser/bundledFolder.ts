import { GraftError } from '../../base/lib/errors.ts';
import { bytesSource } from '../../base/storage/byteSource.ts';
import type { ByteSource, Folder } from '../../base/storage/types.ts';

/** The files of a model bundled with the page: a web server lists no folders. */
const FILES = [
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
] as const;

/**
 * A model served beside the page, a few megabytes, fetched into memory file by file.
 * @param url ends with a slash
 * @param files its files; by default those of the starter model
 */
export function bundledFolder(name: string, url: string, files: readonly string[] = FILES): Folder {
  const fetched = new Map<string, Promise<ByteSource>>();
  const fetchFile = async (file: string): Promise<ByteSource> => {
    const response = await fetch(url + file);
    // Some servers answer a missing file with the page itself.
    const isPage = response.headers.get('content-type')?.startsWith('text/html') ?? false;
    if (!response.ok || isPage) throw new GraftError('storage.not_found', { file, folder: name });
    return bytesSource(file, new Uint8Array(await response.arrayBuffer()));
  };
  return {
    name,
    list: async () => [...files].sort(),
    open(file) {
      const known = fetched.get(file);
      if (known) return known;
      const opening = files.includes(file)
        ? fetchFile(file)
        : Promise.reject(new GraftError('storage.not_found', { file, folder: name }));
      fetched.set(file, opening);
      // A failed request is tried again.
      opening.catch(() => fetched.delete(file));
      return opening;
    },
  };
}
