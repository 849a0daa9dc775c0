import { GraftError } from '../lib/errors.ts';
import { bytesSource } from '../storage/byteSource.ts';
import type { ByteSource, Folder } from '../storage/types.ts';

/** The files of a model that comes with the page: a web server lists no folders. */
const FILES = [
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
] as const;

/** A model that comes with the page, fetched into memory file by file: it is a few megabytes. @param url ends with a slash */
export function bundledFolder(name: string, url: string): Folder {
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
    list: async () => [...FILES],
    open(file) {
      const known = fetched.get(file);
      if (known) return known;
      const opening = FILES.includes(file as (typeof FILES)[number])
        ? fetchFile(file)
        : Promise.reject(new GraftError('storage.not_found', { file, folder: name }));
      fetched.set(file, opening);
      // A connection that failed is tried again.
      opening.catch(() => fetched.delete(file));
      return opening;
    },
  };
}
