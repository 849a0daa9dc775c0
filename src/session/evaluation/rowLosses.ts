import { buildMicroBatch } from '../../content/data/tokens/microBatch.ts';
import type { TokenRows } from '../../content/data/tokens/tokenRows.ts';
import type { RowScore } from '../../content/metrics/bootstrap.ts';
import type { AdapterUse, Decoder } from '../../engine/model/decoder/decoder.ts';
import { targetLosses } from '../../engine/train/evaluate.ts';

/** Tokens that run through the model at once, unless a row alone has more. */
const PASS_TOKENS = 1024;

/** The loss of each row: the sum over its targets, each times its weight, and their number. */
export async function rowLosses(
  decoder: Decoder,
  use: AdapterUse,
  rows: TokenRows,
  onRows: (done: number) => boolean | void = () => undefined,
): Promise<RowScore[]> {
  const scores: RowScore[] = [];
  for (const some of packed(rows)) {
    const batch = buildMicroBatch(rows, [some]);
    const losses =
      batch.targetRows.length === 0 ? new Float32Array() : await targetLosses(decoder, use, batch);
    // Targets come row after row, and a row's are those within its segment.
    let at = 0;
    let start = 0;
    for (const row of some) {
      const end = start + rows.offsets[row + 1]! - rows.offsets[row]!;
      let value = 0;
      const first = at;
      while (at < losses.length && batch.targetRows[at]! < end) value += losses[at++]!;
      scores.push({ value, weight: at - first });
      start = end;
    }
    if (onRows(scores.length) === true) break;
  }
  return scores;
}

/** Consecutive rows, as many as a pass takes. */
function* packed({ offsets }: TokenRows): Generator<number[]> {
  let some: number[] = [];
  for (let row = 0; row + 1 < offsets.length; row++) {
    if (some.length > 0 && offsets[row + 1]! - offsets[some[0]!]! > PASS_TOKENS) {
      yield some;
      some = [];
    }
    some.push(row);
  }
  if (some.length > 0) yield some;
}
