import { MAX_JSON_DEPTH, parseBoundedJson, TooDeepError } from '../../base/lib/boundedJson.ts';
import { GraftError, messageOf } from '../../base/lib/errors.ts';
import { sniff } from '../../base/lib/sniff.ts';
import type { Folder, WritableFolder } from '../../base/storage/types.ts';

/** The largest file read as one text: a JavaScript string can't hold much more. */
const maxTextBytes = 400_000_000;

/**
 * A text file, as UTF-8; a byte-order mark is dropped. Throws `storage.not_found`, `storage.text_too_large`,
 * `storage.bad_utf8`, and `storage.lfs_pointer` when only a Git LFS pointer is there.
 */
export async function readText(folder: Folder, file: string): Promise<string> {
  const source = await folder.open(file);
  if (source.size > maxTextBytes) {
    throw new GraftError('storage.text_too_large', { file, size: source.size, limit: maxTextBytes });
  }
  const bytes = await source.read(0, source.size);
  if (sniff(bytes) === 'lfs_pointer') throw new GraftError('storage.lfs_pointer', { file });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new GraftError('storage.bad_utf8', { file, offset: firstBadByte(bytes) }, { cause });
  }
}

/** A JSON file's value. Throws what `readText` throws, `storage.bad_json`, `storage.json_too_deep`, and `storage.html_page` for a web page. */
export async function readJson(folder: Folder, file: string): Promise<unknown> {
  const text = await readText(folder, file);
  try {
    return parseBoundedJson(text);
  } catch (cause) {
    if (cause instanceof TooDeepError)
      throw new GraftError('storage.json_too_deep', { file, limit: MAX_JSON_DEPTH }, { cause });
    const page = sniff(new TextEncoder().encode(text.slice(0, 1024))) === 'html_page';
    if (page) throw new GraftError('storage.html_page', { file }, { cause });
    throw new GraftError('storage.bad_json', { file, detail: messageOf(cause).slice(0, 300) }, { cause });
  }
}

/** A JSON file that must hold an object. Throws what `readJson` throws and `storage.not_object`. */
export async function readJsonObject(folder: Folder, file: string): Promise<Record<string, unknown>> {
  const value = await readJson(folder, file);
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  const found = Array.isArray(value) ? 'a list' : value === null ? 'null' : `a ${typeof value}`;
  throw new GraftError('storage.not_object', { file, found });
}

/** Writes UTF-8 text as one file, which appears complete or not at all. Throws what the folder throws. */
export async function writeText(
  folder: Pick<WritableFolder, 'create'>,
  file: string,
  text: string,
): Promise<void> {
  await writeBytes(folder, file, new TextEncoder().encode(text));
}

/** Writes bytes as one file, which appears complete or not at all. Throws what the folder throws. */
export async function writeBytes(
  folder: Pick<WritableFolder, 'create'>,
  file: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const sink = await folder.create(file);
  try {
    await sink.write(bytes);
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

/** Where decoding first fails: a stream decoder throws as soon as a byte can't continue. Halving finds it in n log n. */
function firstBadByte(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (decodes(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

function decodes(bytes: Uint8Array): boolean {
  try {
    // `stream` lets the last character be incomplete.
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
