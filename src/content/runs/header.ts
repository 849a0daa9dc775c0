import * as v from 'valibot';
import { parseRecipe, type Recipe } from '../../base/config/recipe.ts';
import {
  activationDtypes,
  elsewhereSchema,
  type ActivationDtype,
  type Elsewhere,
  type RunRecord,
} from '../../base/config/runRecord.ts';
import { storedFileSchema, type StoredFile } from './chunkStore.ts';

/** A run that is `running` without an owner was interrupted. */
export const runStatuses = ['running', 'paused', 'stopped', 'done', 'failed'] as const;
export type RunStatus = (typeof runStatuses)[number];

/** The newest layout of a stored run that this code reads. 2: tags. */
export const RUN_FORMAT = 2;

/** How far a run got by its last checkpoint or change of status. */
export interface StoredProgress {
  /** Optimizer steps done, and of the whole run. */
  step: number;
  totalSteps: number;
  /** Null before the first. */
  loss: number | null;
  evalLoss: number | null;
  /** Time spent on training, without pauses. */
  seconds: number;
}

/** A run's description, small enough to be read for a list of all runs. Times are milliseconds since 1970. */
export interface RunHeader {
  format: number;
  id: string;
  name: string;
  note: string;
  /** Words that the user sorts runs by; none in runs of format 1. */
  tags: string[];
  state: RunStatus;
  createdAt: number;
  changedAt: number;
  /** Frozen when the run began. */
  recipe: Recipe;
  /** The model, and a fingerprint of its files that the caller chooses. */
  base: RunRecord['base'] & { fingerprint: string };
  /** `hash` is of the stored files of the data set. */
  data: RunRecord['data'] & { hash: string };
  /** The data set itself: token rows (tokenRowFiles.ts), and what else the caller stored to resume without asking. */
  files: StoredFile[];
  /** Kernels of products that were not the defaults: others round otherwise. */
  kernels: Record<string, string>;
  /** What its activations are computed in; absent in runs stored before "auto" could be anything but f32. */
  activations?: ActivationDtype | undefined;
  /** Its steps that were done on a cluster. */
  elsewhere?: Elsewhere | undefined;
  progress: StoredProgress;
  /** What a failed run failed with: an error's code and params. */
  failure: { code: string; params: Record<string, string | number | boolean> } | null;
  /** Whatever else the caller needs to reopen the run, such as the prompts of its samples: any JSON. */
  extra: unknown;
}

/** What may change of a run. */
export type RunChange = Partial<
  Pick<RunHeader, 'name' | 'note' | 'tags' | 'state' | 'kernels' | 'progress' | 'failure' | 'extra'>
>;

const maybeText = v.nullable(v.string());
const schema = v.object({
  format: v.pipe(v.number(), v.maxValue(RUN_FORMAT)),
  id: v.string(),
  name: v.string(),
  note: v.string(),
  tags: v.optional(v.array(v.string()), []),
  state: v.picklist(runStatuses),
  createdAt: v.number(),
  changedAt: v.number(),
  recipe: v.unknown(),
  base: v.object({
    name: v.string(),
    repo: maybeText,
    commit: maybeText,
    license: maybeText,
    fingerprint: v.string(),
  }),
  data: v.object({
    file: v.string(),
    rows: v.number(),
    evalRows: v.number(),
    validation: v.optional(v.string()),
    tokens: v.number(),
    trainedTokens: v.number(),
    weightedTokens: v.optional(v.number()),
    changes: v.optional(v.object({ edited: v.number(), excluded: v.number() })),
    hash: v.string(),
  }),
  files: v.array(storedFileSchema),
  kernels: v.record(v.string(), v.string()),
  activations: v.optional(v.picklist(activationDtypes)),
  elsewhere: v.optional(elsewhereSchema),
  progress: v.object({
    step: v.number(),
    totalSteps: v.number(),
    loss: v.nullable(v.number()),
    evalLoss: v.nullable(v.number()),
    seconds: v.number(),
  }),
  failure: v.nullable(
    v.object({
      code: v.string(),
      params: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
    }),
  ),
  extra: v.unknown(),
});

/** The recipe of a run with the activations it began with, which "auto" would choose anew, for the same bits. */
export function recipeAsBegun({
  recipe,
  activations = 'f32',
}: Pick<RunHeader, 'recipe' | 'activations'>): Recipe {
  return recipe.dtype === 'auto' ? { ...recipe, dtype: activations } : recipe;
}

/** Checks the header of a run that was read, and brings it to the newest layout. Throws valibot's error, and what `parseRecipe` throws. */
export function parseHeader(json: unknown): RunHeader {
  const header = v.parse(schema, json);
  return { ...header, format: RUN_FORMAT, recipe: parseRecipe(header.recipe) };
}
