import * as v from 'valibot';
import { parseRecipe, type Recipe } from '../config/recipe.ts';
import type { RunRecord } from '../config/runRecord.ts';
import { storedFileSchema, type StoredFile } from './chunkStore.ts';

/** `running` of a run that nobody owns means that it was cut off. */
export const runStates = ['running', 'paused', 'stopped', 'done', 'failed'] as const;
export type RunState = (typeof runStates)[number];

/** The newest layout of a stored run that this code reads. */
export const RUN_FORMAT = 1;

/** How far a run has come, as of its last checkpoint or change of state. */
export interface RunProgress {
  /** Optimizer steps done, and of the whole run. */
  step: number;
  totalSteps: number;
  /** Null before the first. */
  loss: number | null;
  evalLoss: number | null;
  /** Time spent on training, without pauses. */
  seconds: number;
}

/** What a run is, small enough to be read for a list of all runs. Times are milliseconds since 1970. */
export interface RunHeader {
  format: number;
  id: string;
  name: string;
  note: string;
  state: RunState;
  createdAt: number;
  changedAt: number;
  /** Frozen when the run began. */
  recipe: Recipe;
  /** The model, and what tells its files from others: the caller's word. */
  base: RunRecord['base'] & { fingerprint: string };
  /** `hash` is of the stored files of the data set. */
  data: RunRecord['data'] & { hash: string };
  /** The data set itself: token rows (tokenRowFiles.ts), and what else the caller has stored to go on without asking. */
  files: StoredFile[];
  /** Kernels of products that were not the defaults: others round otherwise. */
  kernels: Record<string, string>;
  progress: RunProgress;
  /** What a failed run failed with: an error's code and params. */
  failure: { code: string; params: Record<string, string | number | boolean> } | null;
  /** What else the caller needs to open the run again, such as the prompts of its samples: any JSON. */
  extra: unknown;
}

/** What may change in the life of a run. */
export type RunChange = Partial<
  Pick<RunHeader, 'name' | 'note' | 'state' | 'kernels' | 'progress' | 'failure' | 'extra'>
>;

const maybeText = v.nullable(v.string());
const schema = v.object({
  format: v.pipe(v.number(), v.maxValue(RUN_FORMAT)),
  id: v.string(),
  name: v.string(),
  note: v.string(),
  state: v.picklist(runStates),
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
    tokens: v.number(),
    trainedTokens: v.number(),
    hash: v.string(),
  }),
  files: v.array(storedFileSchema),
  kernels: v.record(v.string(), v.string()),
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

/** Checks the header of a run that was read. Throws valibot's error, and what `parseRecipe` throws. */
export function parseHeader(json: unknown): RunHeader {
  const header = v.parse(schema, json);
  return { ...header, recipe: parseRecipe(header.recipe) };
}
