import { uploadBytes } from '../gpu/transfer.ts';
import { byteLengthOf } from '../gpu/tensor.ts';
import { assert } from '../lib/errors.ts';
import { CheckpointClock } from './checkpointClock.ts';
import { dataDigest } from './dataDigest.ts';
import { newProgress, type RunProgress } from './progress.ts';
import { growing, rankAt } from './rankSchedule.ts';
import { ProvenReader } from './provenReader.ts';
import type { TrainOptions } from './trainer.ts';
import {
  capture,
  checkSameRun,
  readTrainState,
  restore,
  type BestParameters,
  type RunIdentity,
} from './trainState.ts';
import type { StepRunner } from './trainStep.ts';

type RunOptions = Pick<
  TrainOptions,
  'decoder' | 'adapter' | 'recipe' | 'dataset' | 'evalDataset' | 'checkpoints' | 'resume'
>;

/** Where a run is, and what is saved of it: progress, best parameters, checkpoints. */
export class RunState {
  readonly progress: RunProgress;
  readonly #options: RunOptions;
  readonly #runner: StepRunner;
  readonly #identity: RunIdentity | null;
  readonly #clock: CheckpointClock | null;
  #best: BestParameters | null;

  private constructor(
    options: RunOptions,
    runner: StepRunner,
    begun: { progress: RunProgress; identity: RunIdentity | null; best: BestParameters | null },
  ) {
    const { checkpoints, recipe } = options;
    this.#options = options;
    this.#runner = runner;
    this.progress = begun.progress;
    this.#identity = begun.identity;
    this.#best = begun.best;
    const rhythm = checkpoints && { seconds: checkpoints.seconds, steps: recipe.checkpoint_steps };
    this.#clock = rhythm ? new CheckpointClock(rhythm, performance.now()) : null;
  }

  /** Begins a run, or puts everything back to where a checkpoint has it. Throws `train.resume_*`. */
  static async open(options: RunOptions, runner: StepRunner): Promise<RunState> {
    const { checkpoints, resume, recipe, dataset, evalDataset, decoder } = options;
    assert(checkpoints || !resume, 'a run that is resumed must be told which model it is on');
    const identity = checkpoints
      ? { model: checkpoints.model, data: await dataDigest(dataset, evalDataset) }
      : null;
    if (!resume || !identity)
      return new RunState(options, runner, { progress: newProgress(), identity, best: null });
    const state = readTrainState(resume);
    checkSameRun(state, recipe, identity);
    const best = await restore(decoder.gpu, runner.tensors, resume);
    return new RunState(options, runner, { progress: state.progress, identity, best });
  }

  /** Keeps the parameters as they are now, where the recipe will want them at its end. */
  async keepBest(): Promise<void> {
    const { decoder, adapter, recipe } = this.#options;
    if (!recipe.load_best) return;
    const reader = new ProvenReader(decoder.gpu, Math.max(...adapter.params.map(byteLengthOf)));
    try {
      const kept: Uint8Array<ArrayBuffer>[] = [];
      for (const tensor of adapter.params) kept.push(await reader.readAll(tensor));
      this.#best = kept;
    } finally {
      reader.dispose();
    }
  }

  /** Gives the adapter the best parameters, where the recipe asks for them, at the rank that they had.
   * @returns their step; null where it keeps its own */
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
    // Who asks for the best parameters at the end shall find them among the checkpoints, too.
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
    try {
      await checkpoints.save(data);
    } finally {
      release();
    }
    clock.saved(began, performance.now(), due);
    return due;
  }
}
