import * as v from 'valibot';
import { parseRecipe, type Recipe } from './recipe.ts';

/** The name of the file beside an adapter that says how it came to be. */
export const runRecordFile = 'training.json';

/** Where a model is from, where that is known. */
export interface ModelOrigin {
  /** `org/name` on the Hub; null for a folder. */
  repo: string | null;
  commit: string | null;
  /** The licence's short name; null where its authors give none, or nobody knows. */
  license: string | null;
}

/** How many rows of a data file were edited or left out by hand. */
export interface RowChanges {
  edited: number;
  excluded: number;
}

/** How an adapter came to be: what went in, and what came out. */
export interface RunRecord {
  base: ModelOrigin & { name: string };
  data: {
    /** The file's name, or its address on the Hub. */
    file: string;
    /** Rows trained on, and rows kept aside. */
    rows: number;
    evalRows: number;
    /** Tokens of the rows trained on, and those of them that are predicted. */
    tokens: number;
    trainedTokens: number;
    /** Those of them whose loss counts other than 1; none where each counts 1. */
    weightedTokens?: number | undefined;
    /** What a person changed of the file's rows before; older records and unchanged files have none. */
    changes?: RowChanges | undefined;
  };
  recipe: Recipe;
  /** Optimizer steps. */
  steps: number;
  /** Mean losses of the first and last tenth of the steps: a single step says little. */
  loss: { first: number; last: number };
  evalLosses: { step: number; loss: number }[];
  /** Kernels of products that were not the defaults (gpu/choices.ts): others round otherwise. Older records have none. */
  kernels?: Readonly<Record<string, string>>;
}

/** Sums up the losses of a run, one a step. */
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
    tokens: v.number(),
    trainedTokens: v.number(),
    weightedTokens: v.optional(v.number()),
    changes: v.optional(v.object({ edited: v.number(), excluded: v.number() })),
  }),
  recipe: v.unknown(),
  steps: v.number(),
  loss: v.object({ first: v.number(), last: v.number() }),
  evalLosses: v.array(v.object({ step: v.number(), loss: v.number() })),
  kernels: v.optional(v.record(v.string(), v.string())),
});

/** Reads what `training.json` holds; null where it is another program's. Throws what `parseRecipe` throws. */
export function parseRunRecord(json: unknown): RunRecord | null {
  const result = v.safeParse(schema, json);
  return result.success ? { ...result.output, recipe: parseRecipe(result.output.recipe) } : null;
}
