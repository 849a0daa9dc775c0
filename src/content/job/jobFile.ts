import * as v from 'valibot';
import { parseRecipe, type Recipe } from '../../base/config/recipe.ts';
import { activationDtypes, elsewhereSchema } from '../../base/config/runRecord.ts';

/** The description of a job, written last: a folder is a job with it. */
export const jobFile = 'job.json';

/** The parameters at the lowest evaluation loss, where a run ends with them. */
export const bestFile = 'best.safetensors';

/** The adapter that the run began with, a PEFT folder, where it continues one. */
export const initialFolder = 'initial';

/** The newest layout of a job folder that this code reads. */
export const JOB_FORMAT = 1;

const text = v.nullable(v.string());
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const schema = v.object({
  format: v.pipe(v.number(), v.maxValue(JOB_FORMAT)),
  /** Of the run. */
  name: v.string(),
  run: v.string(),
  /** Repo and commit where it is one of a Hub; the fingerprint is of the headers and of samples of the weights. */
  base: v.object({
    name: v.string(),
    repo: text,
    commit: text,
    license: text,
    fingerprint: v.string(),
  }),
  recipe: v.unknown(),
  data: v.looseObject({
    file: v.string(),
    rows: whole,
    evalRows: whole,
    validation: v.optional(v.string()),
    tokens: whole,
    trainedTokens: whole,
    weightedTokens: v.optional(whole),
    changes: v.optional(v.object({ edited: whole, excluded: whole, added: v.optional(whole) })),
  }),
  /** Optimizer steps done; of the whole run; and those that changed the parameters, by which AdamW corrects its bias. */
  step: whole,
  totalSteps: whole,
  updates: whole,
  /** Rows (packed ones count as one) of an optimizer step, and of a micro-batch. */
  batch: v.object({ rows: whole, micro: whole }),
  packed: v.boolean(),
  weighted: v.boolean(),
  /** How far a loss may be off, relative, by the dtype the cluster computes in. */
  bounds: v.record(v.string(), v.number()),
  /** What cannot be the same. */
  differences: v.array(v.string()),
  /** What the run is where Graft takes it up again. */
  resume: v.object({
    progress: v.unknown(),
    kernels: v.record(v.string(), v.string()),
    activations: v.picklist(activationDtypes),
    seconds: v.number(),
    elsewhere: v.optional(elsewhereSchema),
  }),
  /** Of the Python packages that train.py pins. */
  versions: v.record(v.string(), v.string()),
  files: v.array(v.object({ path: v.string(), size: whole, sha256 })),
});

/** What `job.json` says. */
export type Job = Omit<v.InferOutput<typeof schema>, 'recipe'> & { recipe: Recipe };

/** Reads a job's description. Throws valibot's error, and what `parseRecipe` throws. */
export function parseJob(json: unknown): Job {
  const job = v.parse(schema, json);
  return { ...job, recipe: parseRecipe(job.recipe) };
}

/** The folder of what a cluster has trained, and its files. */
export const resultFolder = 'result';

const resultSchema = v.object({
  /** Steps of the job that were done there, and the step of the run that this leads to. */
  steps: whole,
  step: whole,
  updates: whole,
  ranks: whole,
  dtype: v.string(),
  versions: v.record(v.string(), v.string()),
});

/** What `result/result.json` says. */
export type JobResult = v.InferOutput<typeof resultSchema>;

/** Reads a result's description. Throws valibot's error. */
export const parseJobResult = (json: unknown): JobResult => v.parse(resultSchema, json);
