import type { Recipe } from '../../base/config/recipe.ts';
import {
  lossesOf,
  type ActivationDtype,
  type Elsewhere,
  type RowChanges,
  type RunRecord,
} from '../../base/config/runRecord.ts';
import { publicName } from '../../base/lib/publicName.ts';
import type { TokenRows } from '../../content/data/tokens/tokenRows.ts';
import { lengthsOf, tokenCounts, type TrainRows } from '../../content/data/tokens/trainRows.ts';
import type { KernelChoices } from '../gpu/choices.ts';
import type { KernelKind } from '../gpu/kernelKind.ts';
import type { Folder } from '../../base/storage/types.ts';

/** The inputs of a run: the folder of its base, its data and the name of their file, and its recipe. */
export interface RunInput {
  base: Pick<Folder, 'name' | 'origin'>;
  dataFile: string;
  /** How many of its rows were changed by hand. */
  changes?: RowChanges | undefined;
  /** The name of the file of the evaluation rows; none where they are of the same file. */
  validationFile?: string | undefined;
  rows: { train: TrainRows; evaluation: TokenRows | null };
  recipe: Recipe;
  /** The device's kernels when the run begins. */
  choices: KernelChoices;
  /** Which kernels the device takes; absent where another has trained. */
  kernelKind?: KernelKind;
  /** What its activations are computed in. */
  activations: ActivationDtype;
  /** Its steps that were done on a cluster. */
  elsewhere?: Elsewhere | undefined;
}

/** Collects the steps of a run and returns its record, also of one that ended early. */
export function runLog(input: RunInput) {
  const {
    base,
    dataFile,
    changes,
    validationFile,
    rows,
    recipe,
    choices,
    kernelKind,
    activations,
    elsewhere,
  } = input;
  const { name, origin } = base;
  const losses: number[] = [];
  const evalLosses: RunRecord['evalLosses'] = [];
  const { train, evaluation } = rows;
  const { tokens, trained, weighted } = tokenCounts(train);
  const trainRows = lengthsOf(train).length;
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
        file: publicName(dataFile),
        rows: trainRows,
        evalRows: evaluation ? evaluation.offsets.length - 1 : 0,
        ...(validationFile !== undefined && { validation: publicName(validationFile) }),
        tokens,
        trainedTokens: trained,
        ...(weighted > 0 && { weightedTokens: weighted }),
        ...(changes && { changes }),
      },
      recipe,
      evalLosses: [...evalLosses],
      steps: losses.length,
      loss: lossesOf(losses),
      ...(kernelKind && { kernelKind }),
      kernels: choices.used,
      activations,
      ...(elsewhere && { elsewhere }),
    }),
  };
}
