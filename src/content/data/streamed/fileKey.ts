import { hexOf } from '../../../base/lib/bytes.ts';
import { createContentHash, takeDigest } from '../../../base/lib/contentHash.ts';
import type { ByteSource } from '../../../base/storage/types.ts';
import type { RowsRequest } from '../dataset/rowTokenizer.ts';
import type { TokenizerFiles } from '../tokenizer/tokenizerFiles.ts';

/** Raised where the same rows become other tokens than before. */
const TOKENS = 1;
/** Parts of a file, and bytes of each, that distinguish it from another of the same name, size and version. */
const [PARTS, PART_BYTES] = [64, 16 * 1024];
const PIECE_BYTES = 1024 * 1024;

/** Identifies the tokenizer and template of a model. */
export async function tokenizerKey(files: TokenizerFiles | null): Promise<string> {
  return hexOf(takeDigest((await createContentHash()).update(JSON.stringify(files))));
}

/** Names the store of a file's tokens: by the file, and by all that decides what tokens its rows become. */
export async function fileKey(
  source: ByteSource,
  how: Omit<RowsRequest, 'rows' | 'now' | 'name'>,
  tokenizer: string,
  reading: { rowsField?: string | undefined; encoding?: string | undefined },
): Promise<string> {
  const hasher = await createContentHash();
  const { name, size, version = null } = source;
  const { rowsField = null, encoding = null } = reading;
  hasher.update(JSON.stringify([TOKENS, name, size, version, how, tokenizer, rowsField, encoding]));
  if (version === null) {
    // Nothing but its bytes tells whether it has changed.
    for (let at = 0; at < size; at += PIECE_BYTES)
      hasher.update(await source.read(at, Math.min(PIECE_BYTES, size - at)));
    return hexOf(takeDigest(hasher));
  }
  for (let part = 0; part < PARTS; part++) {
    const at = Math.floor((Math.max(0, size - PART_BYTES) * part) / (PARTS - 1));
    hasher.update(await source.read(at, Math.min(PART_BYTES, size - at)));
  }
  return hexOf(takeDigest(hasher));
}
