import type { RunRecord } from '../config/runRecord.ts';
import { countTrainedTokens, type TokenRows } from '../data/tokenRows.ts';
import type { Folder } from '../storage/types.ts';

/** What the record of a run says of its base. */
export function baseOf({ name, origin }: Pick<Folder, 'name' | 'origin'>): RunRecord['base'] {
  return {
    name,
    repo: origin?.repo ?? null,
    commit: origin?.commit ?? null,
    license: origin?.license ?? null,
  };
}

/** What the record of a run says of its data. */
export function dataRecord(
  file: string,
  { train, evaluation }: { train: TokenRows; evaluation: TokenRows | null },
): RunRecord['data'] {
  return {
    file,
    rows: train.offsets.length - 1,
    evalRows: evaluation ? evaluation.offsets.length - 1 : 0,
    tokens: train.ids.length,
    trainedTokens: countTrainedTokens(train),
  };
}
