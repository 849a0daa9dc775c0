import * as v from 'valibot';
import { changedFields } from '../../base/config/presets.ts';
import { parseRecipe, type Recipe, type RecipeKey } from '../../base/config/recipe.ts';
import type { Gpu } from '../gpu/device.ts';
import { byteLengthOf, type Tensor } from '../gpu/tensor.ts';
import { uploadBytes } from '../gpu/transfer.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { CheckpointData, CheckpointFile } from '../../content/runs/types.ts';
import { bytesSource } from '../../base/storage/byteSource.ts';
import type { TrainProgress } from './trainProgress.ts';
import { allFinite, READBACK_BYTES, ProvenReader } from './provenReader.ts';

/** What a run was made of: its checkpoints resume with nothing else. */
export interface RunIdentity {
  /** Digest of the tokens, labels and weights that are trained on, and of those set aside. */
  data: string;
  /** Which weights: a commit, or another id that differs for other weights. */
  model: string;
}

/** The JSON of a checkpoint. */
export interface CheckpointState {
  version: 1;
  recipe: Recipe;
  identity: RunIdentity;
  /** Kernels that were not the defaults (gpu/choices.ts): others round otherwise. */
  kernels: Readonly<Record<string, string>>;
  progress: TrainProgress;
}

/** Parameters at the lowest evaluation loss, one for each buffer. */
export type BestParameters = readonly Uint8Array<ArrayBuffer>[];

const BEST = 'best';
const numbers = v.array(v.number());
const counter = v.pipe(v.number(), v.integer(), v.minValue(0));
const progressSchema = v.object({
  step: counter,
  updates: counter,
  skippedInARow: counter,
  skipped: counter,
  spikes: counter,
  loss: v.nullable(v.number()),
  window: v.object({ losses: numbers, norms: numbers }),
  best: v.nullable(v.object({ step: counter, loss: v.number() })),
  stale: counter,
  lowest: v.nullable(v.number()),
});
const schema = v.object({
  version: v.literal(1),
  recipe: v.unknown(),
  identity: v.object({ data: v.string(), model: v.string() }),
  kernels: v.record(v.string(), v.string()),
  progress: progressSchema,
});

/** Where a run is, from JSON. Throws `train.resume_unreadable`. */
export function readProgress(json: unknown): TrainProgress {
  const result = v.safeParse(progressSchema, json);
  if (result.success) return result.output;
  throw new GraftError('train.resume_unreadable', { part: v.getDotPath(result.issues[0]) ?? 'progress' });
}

/**
 * A run as it is now, to be saved. Files are views of the GPU's memory: nothing may change there until they were read,
 * and then `release` frees what reading took. What is read is proved to come from a working device and, where it is
 * floats, to be finite; reading throws `gpu.device_lost` or `train.not_finite` otherwise, so that a bad state is never
 * committed.
 * @param tensors those of `StepRunner.tensors`
 */
export function capture(
  gpu: Gpu,
  tensors: ReadonlyMap<string, Tensor>,
  state: CheckpointState,
  best: BestParameters | null,
): { data: CheckpointData; release(): void } {
  const { step } = state.progress;
  const largest = Math.max(4, ...[...tensors.values()].map(byteLengthOf));
  const reader = new ProvenReader(gpu, largest);
  const files: CheckpointFile[] = [...tensors].map(([name, tensor]) => ({
    name,
    size: byteLengthOf(tensor),
    forResume: !isParameters(name),
    read: async (offset, length) => {
      const bytes = await reader.read(tensor, offset, length);
      if (tensor.type === 'f32' && !allFinite(bytes))
        throw new GraftError('train.not_finite', { step, name });
      return bytes;
    },
  }));
  best?.forEach((bytes, i) => {
    files.push({ ...bytesSource(`${BEST}.${i}`, bytes), forResume: true });
  });
  // A copy, since the run continues while this is stored.
  return { data: { step, state: structuredClone(state), files }, release: () => reader.dispose() };
}

/** What the JSON of a checkpoint says. Throws `train.resume_unreadable`, and what parsing a recipe throws. */
export function readCheckpointState(data: Pick<CheckpointData, 'state'>): CheckpointState {
  const result = v.safeParse(schema, data.state);
  if (!result.success) {
    throw new GraftError('train.resume_unreadable', { part: v.getDotPath(result.issues[0]) ?? 'state' });
  }
  return { ...result.output, recipe: parseRecipe(result.output.recipe) };
}

/** Settings that change no number of a run. */
const free: ReadonlySet<RecipeKey> = new Set(['memory_budget', 'checkpoint_steps']);

/** Checks that a checkpoint belongs to this run. Throws `train.resume_other_*`. */
export function checkSameRun(state: CheckpointState, recipe: Recipe, identity: RunIdentity): void {
  if (identity.model !== state.identity.model) throw new GraftError('train.resume_other_model');
  const changed = changedFields(recipe, state.recipe).filter((key) => !free.has(key));
  if (changed.length > 0) throw new GraftError('train.resume_other_recipe', { keys: changed.join(', ') });
  if (identity.data !== state.identity.data) throw new GraftError('train.resume_other_data');
}

/**
 * Puts the numbers of a checkpoint where they were. Throws `train.resume_unreadable` where they are not of these
 * tensors, and what reading throws.
 * @returns the best parameters, where it holds them
 */
export async function restore(
  gpu: Gpu,
  tensors: ReadonlyMap<string, Tensor>,
  { files }: CheckpointData,
): Promise<BestParameters | null> {
  const byName = new Map(files.map((file) => [file.name, file]));
  const of = (name: string, size: number): CheckpointFile => {
    const file = byName.get(name);
    if (file?.size !== size) throw new GraftError('train.resume_unreadable', { part: name });
    return file;
  };
  const pairs = [...tensors].map(([name, tensor]) => ({ tensor, file: of(name, byteLengthOf(tensor)) }));
  for (const { tensor, file } of pairs) {
    for (let at = 0; at < file.size; at += READBACK_BYTES) {
      const bytes = await file.read(at, Math.min(READBACK_BYTES, file.size - at));
      uploadBytes(gpu, { ...tensor, offset: tensor.offset + at }, bytes);
    }
  }
  // They may be of another rank, where that has grown since.
  const best: Uint8Array<ArrayBuffer>[] = [];
  for (let file; (file = byName.get(`${BEST}.${best.length}`));) best.push(await file.read(0, file.size));
  return best.length > 0 ? best : null;
}

const isParameters = (name: string): boolean => name.startsWith('parameters.');
