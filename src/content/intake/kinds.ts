import { recipeFields } from '../../base/config/recipe.ts';
import { parseBoundedJson } from '../../base/lib/boundedJson.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { ByteSource } from '../../base/storage/types.ts';
import { binaryKind } from '../data/files/binaryKind.ts';
import { encodingOf } from '../data/files/encoding.ts';
import { unpackedHead } from './unpack/readable.ts';

/** What one file is by itself. */
export type FileSort = 'data' | 'zip' | 'weights' | 'gguf' | 'recipe' | 'flags' | { refused: GraftError };

const HEAD_BYTES = 64 << 10;
/** No recipe is longer. */
const MAX_RECIPE = 1 << 20;

/** What files of a binary kind are for, which decides what to do with them. */
const OTHER = {
  'intake.spreadsheet': /Excel|OpenDocument/,
  'intake.document': /Office|Word|PowerPoint|e-book|PDF|RTF/,
  'intake.media': /image|audio|video/,
  'intake.archive': /tar|7z|RAR|bzip2|xz|lz4|zip/,
  'intake.table': /SQLite|Arrow|ORC|Avro|HDF5|NumPy/,
} as const;

/**
 * What a file is by its content; its name only says whether a script calls a training, or that what begins like a GGUF is
 * one. Compressed files count as what is in them. Throws what reading throws.
 */
export async function sortOf(source: ByteSource): Promise<FileSort> {
  const { name: file } = source;
  try {
    if (source.size === 0) return { refused: new GraftError('data.empty_file', { file }) };
    const raw = await source.read(0, Math.min(4, source.size));
    if (raw[0] === 0x50 && raw[1] === 0x4b && (raw[2] === 3 || raw[2] === 5)) return await zipSort(source);
    const head = await unpackedHead(source, HEAD_BYTES);
    if (startsWith(head, 'PAR1')) return 'data';
    // Behind the magic is its version, below 256; in text there are letters.
    if (startsWith(head, 'GGUF') && (head[5] === 0 || /\.gguf$/i.test(file))) return 'gguf';
    const isWide = encodingOf(head).encoding !== 'utf-8';
    const kind = binaryKind(head, isWide);
    if (kind === 'a safetensors file') return 'weights';
    if (kind !== undefined) return { refused: other(file, kind) };
    return source.size <= MAX_RECIPE ? await textSort(source) : 'data';
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    return { refused: error };
  }
}

/** A zip that is a document of its own kind, or one of files. */
async function zipSort(source: ByteSource): Promise<FileSort> {
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size));
  const kind = binaryKind(head, false) ?? '';
  return kind === 'a zip archive' || /^an? NumPy/.test(kind) ? 'zip' : { refused: other(source.name, kind) };
}

async function textSort(source: ByteSource): Promise<FileSort> {
  const bytes = await source.read(0, source.size);
  const text = new TextDecoder().decode(bytes);
  if (/finetune\w*\.py\b/.test(text) && /--\w/.test(text) && !/^\s*[{[]/.test(text)) return 'flags';
  if (!/^\s*\{/.test(text)) return 'data';
  let json: unknown;
  try {
    json = parseBoundedJson(text);
  } catch {
    return 'data';
  }
  const keys = Object.keys(json as object);
  const known = keys.filter((key) => Object.hasOwn(recipeFields, key));
  return known.length >= 2 && known.length * 2 >= keys.length ? 'recipe' : 'data';
}

/** What to do with a file that is neither a model nor data. */
export function other(file: string, kind: string): GraftError {
  if (/pickle/i.test(kind)) return new GraftError('intake.pickle', { file });
  const code = Object.entries(OTHER).find(([, pattern]) => pattern.test(kind))?.[0] as
    keyof typeof OTHER | undefined;
  return new GraftError(code ?? 'intake.other', { file, kind });
}

function startsWith(bytes: Uint8Array, magic: string): boolean {
  return Array.from(magic).every((sign, at) => bytes[at] === sign.charCodeAt(0));
}
