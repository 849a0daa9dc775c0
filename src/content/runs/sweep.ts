import * as v from 'valibot';
import { parseRecipe, type Recipe } from '../../base/config/recipe.ts';

/** The newest layout of a stored sweep that this code reads. */
export const SWEEP_FORMAT = 1;

/** How a run of a sweep ended by itself; one that is stopped at a rung has no end. */
export interface SweepRunEnd {
  kind: 'finished' | 'failed';
  /** The evaluation loss of its result; null where it is not finite, or the run failed. */
  loss: number | null;
  /** What it failed with: an error's code and params; null otherwise. */
  failure: { code: string; params: Record<string, string | number | boolean> } | null;
}

/** A recipe of a sweep, and what became of it. */
export interface SweepRun {
  name: string;
  recipe: Recipe;
  /** Of its stored run; null before it begins. */
  id: string | null;
  /** Optimizer steps done, as of the last note, and of the whole recipe. */
  steps: number;
  totalSteps: number;
  /** Its evaluation loss at each rung it has reached; null where that was not finite. */
  rungs: (number | null)[];
  end: SweepRunEnd | null;
}

/**
 * Several recipes on the same rows, the worse of which are stopped early: small enough to be written whenever something
 * changes. Which run is next follows from the losses alone (session/sweep/halving.ts), so it resumes where it was.
 */
export interface Sweep {
  format: number;
  id: string;
  createdAt: number;
  /** Of the data file, and of the validation file where there is one. */
  data: { file: string; validation?: string | undefined };
  /** Of the weights, and of all rows: a sweep resumes on the same. */
  fingerprint: string;
  digest: string;
  /** At each rung the best 1 of `eta` runs go on; 1 stops none. */
  eta: number;
  /** How many rungs there are. */
  rungs: number;
  runs: SweepRun[];
  /** Whatever else the host needs, such as where the model is: any JSON. */
  extra: unknown;
}

const loss = v.nullable(v.number());
const schema = v.object({
  format: v.pipe(v.number(), v.maxValue(SWEEP_FORMAT)),
  id: v.string(),
  createdAt: v.number(),
  data: v.object({ file: v.string(), validation: v.optional(v.string()) }),
  fingerprint: v.string(),
  digest: v.string(),
  eta: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  rungs: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  runs: v.array(
    v.object({
      name: v.string(),
      recipe: v.unknown(),
      id: v.nullable(v.string()),
      steps: v.number(),
      totalSteps: v.number(),
      rungs: v.array(loss),
      end: v.nullable(
        v.object({
          kind: v.picklist(['finished', 'failed']),
          loss,
          failure: v.nullable(
            v.object({
              code: v.string(),
              params: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
            }),
          ),
        }),
      ),
    }),
  ),
  extra: v.unknown(),
});

/** Checks a sweep that was read. Throws valibot's error, and what `parseRecipe` throws. */
export function parseSweep(json: unknown): Sweep {
  const sweep = v.parse(schema, json);
  return { ...sweep, runs: sweep.runs.map((run) => ({ ...run, recipe: parseRecipe(run.recipe) })) };
}
