import { GraftError } from '../../base/lib/errors.ts';
import type { HubRepo } from './resolveRepo.ts';

/** A GGUF file of a repo, which is a whole model. */
export interface HubGguf {
  path: string;
  size: number;
  /** The quantization type its name says, such as "Q4_K_M"; null where it says none. */
  type: string | null;
}

/** Parts of one file, what sees images, and importance matrices are no models. */
const noModel = /-\d{5}-of-\d{5}\.gguf$|mmproj|imatrix/i;
const typeInName = /(?:^|[-._])((?:I?Q\d\w*|T?Q\d_\w+|MXFP4\w*|B?F16|F32))\.gguf$/i;

/**
 * The GGUF files to choose from, the smallest first, in a repo whose weights are in no other format; none in others.
 * Throws `formats.gguf_split` where it has nothing but parts of one.
 */
export function ggufFilesOf({ files }: Pick<HubRepo, 'files'>): HubGguf[] {
  const names = [...files.keys()];
  const all = names.filter((name) => /\.gguf$/i.test(name));
  if (all.length === 0 || names.some((name) => name.endsWith('.safetensors'))) return [];
  const found = all
    .filter((name) => !noModel.test(name))
    .map((path) => ({ path, size: files.get(path)!.size }));
  const [part] = all.filter((name) => /-of-/.test(name));
  if (found.length === 0 && part !== undefined) {
    const count = Number(/-of-(\d+)/.exec(part)?.[1]);
    throw new GraftError('formats.gguf_split', { file: part, count });
  }
  return namedGgufs(found);
}

/** GGUF files with the types their names say, the smallest first. */
export function namedGgufs(files: readonly Pick<HubGguf, 'path' | 'size'>[]): HubGguf[] {
  return files
    .map(({ path, size }) => ({ path, size, type: typeInName.exec(path)?.[1]?.toUpperCase() ?? null }))
    .sort((a, b) => a.size - b.size);
}
