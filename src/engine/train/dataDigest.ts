import { isStreamed, type TrainRows } from '../../content/data/tokens/trainRows.ts';
import { referenceBytes, type TokenRows } from '../../content/data/tokens/tokenRows.ts';
import { createContentHash, takeDigest } from '../../base/lib/contentHash.ts';
import { hexOf } from '../../base/lib/bytes.ts';

/** A digest of the rows of a run, by tokens, labels, weights other than 1, which answers are good and what answers are compared with: the same rows give the same, in hexadecimal. */
export async function dataDigest(train: TrainRows, evaluation: TokenRows | null): Promise<string> {
  const hasher = await createContentHash();
  for (const rows of [train, evaluation]) {
    if (rows && isStreamed(rows)) {
      hasher.update(rows.digest);
      continue;
    }
    // Weights that are all 1 train as none do, and rows of before there were any have the digests they had.
    const weights = rows?.weights?.some((weight) => weight !== 1) ? [rows.weights] : [];
    const marks = rows?.preference ? [rows.preference.values] : [];
    const references = rows?.references ? [referenceBytes(rows.references)] : [];
    const arrays = rows ? [rows.offsets, rows.ids, rows.labels, ...weights, ...marks, ...references] : [];
    // Lengths first, so that no two sets of rows are the same bytes.
    hasher.update(Uint32Array.from([arrays.length, ...arrays.map(({ length }) => length)]));
    for (const { buffer, byteOffset, byteLength } of arrays) {
      hasher.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
  }
  return hexOf(takeDigest(hasher));
}
