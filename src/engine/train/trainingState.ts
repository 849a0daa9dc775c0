import { uploadBytes } from '../gpu/transfer.ts';
import { byteLengthOf } from '../gpu/tensor.ts';
import { assert } from '../../base/lib/errors.ts';
import { bytesSource } from '../../base/storage/byteSource.ts';
import { CheckpointClock } from './checkpointClock.ts';
import { dataDigest } from './dataDigest.ts';
import { newProgress, type TrainProgress } from './trainProgress.ts';
import { growing, rankAt } from './rankSchedule.ts';
import { ProvenReader } from './provenReader.ts';
import type { TrainOptions } from './trainOptions.ts';
import {
  capture,
  checkSameRun,
  readCheckpointState,
  restore,
  type BestParameters,
  type RunIdentity,
} from './checkpointState.ts';
import type { SampledSteps } from './grpo/sampledSteps.ts';
import { SAMPLE_FILE } from './grpo/sampleName.ts';
import type { StepRunner } from './trainStep.ts';

type RunOptions = Pick<
  TrainOptions,
  'decoder' | 'adapter' | 'recipe' | 'dataset' | 'evalDataset' | 'checkpoints' | 'resume'
>;

/** The state of a running training beside the GPU's: progress, best parameters, checkpoints. */
export class TrainingState {
  readonly progress: TrainProgress;
  readonly #options: RunOptions;
  readonly #runner: StepRunner;
  readonly #identity: RunIdentity | null;
  readonly #clock: CheckpointClock | null;
  readonly #sampled: SampledSteps | null;
  #best: BestParameters | null;

  private constructor(
    options: RunOptions,
    runner: StepRunner,
    begun: { progress: TrainProgress; identity: RunIdentity | null; best: BestParameters | null },
    sampled: SampledSteps | null,
  ) {
    const { checkpoints, recipe } = options;
    this.#options = options;
    this.#runner = runner;
    this.#sampled = sampled;
    this.progress = begun.progress;
    this.#identity = begun.identity;
    this.#best = begun.best;
    const rhythm = checkpoints && { seconds: checkpoints.seconds, steps: recipe.checkpoint_steps };
    this.#clock = rhythm ? new CheckpointClock(rhythm, performance.now()) : null;
  }

  /** Begins a run, or restores everything from a checkpoint. Throws `train.resume_*`. */
  static async open(
    options: RunOptions,
    runner: StepRunner,
    sampled: SampledSteps | null = null,
  ): Promise<TrainingState> {
    const { checkpoints, resume, recipe, dataset, evalDataset, decoder } = options;
    assert(checkpoints || !resume, 'a resumed run needs the id of its model');
    const identity = checkpoints
      ? { model: checkpoints.model, data: await dataDigest(dataset, evalDataset) }
      : null;
    if (!resume || !identity)
      return new TrainingState(options, runner, { progress: newProgress(), identity, best: null }, sampled);
    const state = readCheckpointState(resume);
    checkSameRun(state, recipe, identity);
    const best = await restore(decoder.gpu, runner.tensors, resume);
    const sample = resume.files.find(({ name }) => name === SAMPLE_FILE);
    if (sample) sampled?.restore(await sample.read(0, sample.size));
    return new TrainingState(options, runner, { progress: state.progress, identity, best }, sampled);
  }

  /** Copies the parameters as they are now, where the recipe loads the best at its end. */
  async copyBest(): Promise<void> {
    const { decoder, adapter, recipe } = this.#options;
    if (!recipe.load_best) return;
    const reader = new ProvenReader(decoder.gpu, Math.max(...adapter.params.map(byteLengthOf)));
    try {
      const copies: Uint8Array<ArrayBuffer>[] = [];
      for (const tensor of adapter.params) copies.push(await reader.readAll(tensor));
      this.#best = copies;
    } finally {
      reader.dispose();
    }
  }

  /** Gives the adapter the best parameters, where the recipe asks for them, at the rank that they had.
   * @returns their step; null where the adapter stays as it is */
  loadBest(): number | null {
    const { decoder, adapter, recipe } = this.#options;
    const { best } = this.progress;
    if (!this.#best || !best) return null;
    growing(adapter, recipe)?.setRank(rankAt(recipe, best.step));
    this.#best.forEach((bytes, i) => uploadBytes(decoder.gpu, adapter.params[i]!, bytes));
    return best.step;
  }

  /** Saves the run where that is due, or the best evaluation so far is worth it. The next step's gradients may be under way.
   * @param always saves in any case
   * @param isBest its evaluation is the best so far
   * @returns whether it was due, and saved */
  async checkpoint(always: boolean, isBest: boolean): Promise<boolean> {
    const { checkpoints, decoder, recipe } = this.#options;
    const clock = this.#clock;
    if (!checkpoints || !clock || !this.#identity) return false;
    const began = performance.now();
    const wanted = checkpoints.wanted?.() ?? false;
    const due = always || wanted || clock.due(this.progress.step, began);
    // A run that loads the best parameters at its end has them among its checkpoints, too.
    if (!due && !(isBest && (recipe.load_best || clock.affordable(began)))) return false;
    const { gpu } = decoder;
    const state = {
      version: 1 as const,
      recipe,
      identity: this.#identity,
      kernels: gpu.choices.used,
      progress: this.progress,
    };
    const { data, release } = capture(gpu, this.#runner.tensors, state, this.#best);
    const sample = this.#sampled?.stateAfter(this.progress.step);
    const own = sample ? [{ ...bytesSource(SAMPLE_FILE, sample), forResume: true }] : [];
    try {
      await checkpoints.save({ ...data, files: [...data.files, ...own] });
    } finally {
      release();
    }
    clock.saved(began, performance.now(), due);
    return due;
  }
}
