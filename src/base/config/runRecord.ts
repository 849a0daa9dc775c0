import * as v from 'valibot';
import { publicModelName, publicName } from '../lib/publicName.ts';
import { parseRecipe, type Recipe } from './recipe.ts';

/** File name of the training record beside an adapter. */
export const runRecordFile = 'training.json';

/** Origin of a model, if known. */
export interface ModelOrigin {
  /** `org/name` on the Hub; null for a local folder. */
  repo: string | null;
  commit: string | null;
  /** Short name of the licence; null if the authors give none or it is unknown. */
  license: string | null;
}

/** Number of rows of a data file edited, excluded or added by hand. */
export interface RowChanges {
  edited: number;
  excluded: number;
  /** Absent in older records. */
  added?: number | undefined;
}

const visitSchema = v.object({
  from: v.number(),
  to: v.number(),
  ranks: v.number(),
  dtype: v.string(),
  versions: v.record(v.string(), v.string()),
});

/** The schema of `RunRecord.elsewhere`. */
export const elsewhereSchema = v.array(visitSchema);

/** Steps of a run that were done by other programs, on a cluster: the first and the last, and with what. */
export type Elsewhere = v.InferOutput<typeof elsewhereSchema>;

/** The record of a training run: its inputs and results. */
export interface RunRecord {
  base: ModelOrigin & { name: string };
  data: {
    /** The file's name without its folder, or its address on the Hub. */
    file: string;
    /** Number of rows trained on, and held out for evaluation. */
    rows: number;
    evalRows: number;
    /** The file of the evaluation rows, named as `file` is; absent where they are of the same file. */
    validation?: string | undefined;
    /** Number of tokens in the rows trained on, and of predicted ones. */
    tokens: number;
    trainedTokens: number;
    /** Number of those whose loss weight is not 1; absent if there are none. */
    weightedTokens?: number | undefined;
    /** The user's changes to the file's rows; absent in older records and for unchanged files. */
    changes?: RowChanges | undefined;
  };
  recipe: Recipe;
  /** Optimizer steps. */
  steps: number;
  /** Mean losses of the first and last tenth of the steps, since single steps are noisy. */
  loss: { first: number; last: number };
  evalLosses: { step: number; loss: number }[];
  /** Which kernels the device took (gpu/kernelKind.ts). Absent in older records. */
  kernelKind?: 'gpu' | 'vectors' | 'software' | undefined;
  /**
   * Matrix multiplication kernels other than the defaults (gpu/choices.ts), which round differently. Absent in older
   * records.
   */
  kernels?: Readonly<Record<string, string>>;
  /** The dtype of the activations: what the recipe says, or what `auto` became on the device. Absent in older records. */
  activations?: ActivationDtype | undefined;
  /** Its steps that were done on a cluster; absent where all were done here. */
  elsewhere?: Elsewhere | undefined;
}

/** The dtypes that activations are computed in. */
export const activationDtypes = ['f32', 'f16'] as const;
export type ActivationDtype = (typeof activationDtypes)[number];

/** Summarizes the losses of a run, one per step. */
export function lossesOf(losses: readonly number[]): RunRecord['loss'] {
  const some = Math.max(1, Math.floor(losses.length / 10));
  const mean = (part: readonly number[]): number => part.reduce((sum, loss) => sum + loss, 0) / part.length;
  return { first: mean(losses.slice(0, some)), last: mean(losses.slice(-some)) };
}

const text = v.nullable(v.string());
const schema = v.object({
  base: v.object({ name: v.string(), repo: text, commit: text, license: text }),
  data: v.object({
    file: v.string(),
    rows: v.number(),
    evalRows: v.number(),
    validation: v.optional(v.string()),
    tokens: v.number(),
    trainedTokens: v.number(),
    weightedTokens: v.optional(v.number()),
    changes: v.optional(
      v.object({ edited: v.number(), excluded: v.number(), added: v.optional(v.number()) }),
    ),
  }),
  recipe: v.unknown(),
  steps: v.number(),
  loss: v.object({ first: v.number(), last: v.number() }),
  evalLosses: v.array(v.object({ step: v.number(), loss: v.number() })),
  kernelKind: v.optional(v.picklist(['gpu', 'vectors', 'software'])),
  kernels: v.optional(v.record(v.string(), v.string())),
  activations: v.optional(v.picklist(activationDtypes)),
  elsewhere: v.optional(elsewhereSchema),
});

/** Reads a `training.json`; null if it is another program's. Throws the errors of `parseRecipe`. */
export function parseRunRecord(json: unknown): RunRecord | null {
  const result = v.safeParse(schema, json);
  if (!result.success) return null;
  const { data, base, recipe } = result.output;
  // Earlier versions recorded paths. What is read here may be published again.
  return {
    ...result.output,
    base: { ...base, name: publicModelName(base.name) },
    data: {
      ...data,
      file: publicName(data.file),
      ...(data.validation !== undefined && { validation: publicName(data.validation) }),
    },
    recipe: parseRecipe(recipe),
  };
}
