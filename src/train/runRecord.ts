import type { Recipe } from '../config/recipe.ts';
import { lossesOf, type RowChanges, type RunRecord } from '../config/runRecord.ts';
import { countTrainedTokens, countWeightedTokens, type TokenRows } from '../data/tokenRows.ts';
import type { KernelChoices } from '../gpu/choices.ts';
import type { Folder } from '../storage/types.ts';

/** What a run is made of: the folder of its base, its data and the name of their file, and its recipe. */
export interface RunInput {
  base: Pick<Folder, 'name' | 'origin'>;
  dataFile: string;
  /** What was changed of its rows by hand. */
  changes?: RowChanges | undefined;
  rows: { train: TokenRows; evaluation: TokenRows | null };
  recipe: Recipe;
  /** Those that the device has when the run begins. */
  choices: KernelChoices;
}

/** Hears of the steps of a run and gives its record, also of one that ended early. */
export function runLog({ base: { name, origin }, dataFile, changes, rows, recipe, choices }: RunInput) {
  const losses: number[] = [];
  const evalLosses: RunRecord['evalLosses'] = [];
  const { train, evaluation } = rows;
  const weightedTokens = countWeightedTokens(train);
  return {
    step: ({ loss }: { loss: number }) => void losses.push(loss),
    evaluated: (step: number, loss: number) => void evalLosses.push({ step, loss }),
    record: (): RunRecord => ({
      base: {
        name,
        repo: origin?.repo ?? null,
        commit: origin?.commit ?? null,
        license: origin?.license ?? null,
      },
      data: {
        file: dataFile,
        rows: train.offsets.length - 1,
        evalRows: evaluation ? evaluation.offsets.length - 1 : 0,
        tokens: train.ids.length,
        trainedTokens: countTrainedTokens(train),
        ...(weightedTokens > 0 && { weightedTokens }),
        ...(changes && { changes }),
      },
      ...{ recipe, evalLosses: [...evalLosses], steps: losses.length, loss: lossesOf(losses) },
      kernels: choices.used,
    }),
  };
}
