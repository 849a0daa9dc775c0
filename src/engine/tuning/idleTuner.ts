import type { Recipe } from '../../base/config/recipe.ts';
import type { TunedChoices } from '../gpu/choices.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';
import type { Streaming } from '../model/weights/streaming.ts';
import type { DataShapes } from '../train/largestBatch.ts';
import type { TunedKernels } from './tunedKernels.ts';
import { productsOfRun } from './products.ts';
import { toMeasure, tune } from './tune.ts';

/** Nothing is measured before the engine was idle for so long: most people go on at once. */
const PATIENCE_MS = 3_000;

/** Products that take longer are left alone, in seconds: a job that begins would wait for one, and the screen stutters. */
const LONGEST = 0.05;

/** The run that was last asked about: likely the next. */
export interface ExpectedRun {
  files: ModelFiles;
  recipe: Recipe;
  data: DataShapes | null;
  streaming: Streaming;
}

/**
 * Finds the best kernels for the run that is expected while the engine has nothing to do, and stops as soon as it has.
 * What was found is for the runs that begin later.
 */
export class IdleTuner {
  readonly #openGpu: () => Promise<Gpu>;
  readonly #openKept: (gpu: Gpu) => Promise<TunedKernels>;
  readonly #patience: number;
  #kept: Promise<TunedKernels> | null = null;
  #expected: ExpectedRun | null = null;
  #engine: Gpu | null = null;
  #jobs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stop: AbortController | null = null;
  #tuning: Promise<void> = Promise.resolve();

  /**
   * @param openGpu opens a device of its own: should a measurement fail, the open model stays
   * @param openKept what was found earlier
   * @param patience milliseconds without a job before it begins
   */
  constructor(
    openGpu: () => Promise<Gpu>,
    openKept: (gpu: Gpu) => Promise<TunedKernels>,
    patience = PATIENCE_MS,
  ) {
    this.#openGpu = openGpu;
    this.#openKept = openKept;
    this.#patience = patience;
  }

  /** The best kernels as far as they are known. @param gpu the engine's device */
  async choices(gpu: Gpu): Promise<TunedChoices> {
    return (await this.#keptOn(gpu)).choices();
  }

  /** Says which run is likely to come next; null where none is, since no model is open. @param gpu the engine's device */
  expect(run: ExpectedRun | null, gpu: Gpu | null): void {
    this.#expected = run;
    this.#engine = gpu;
    if (this.#jobs === 0) this.#wait();
  }

  /** Runs a job of the engine with nothing beside it. Throws what the job throws. */
  async aside<T>(job: () => Promise<T>): Promise<T> {
    this.#jobs += 1;
    this.#interrupt();
    try {
      await this.#tuning;
      return await job();
    } finally {
      this.#jobs -= 1;
      if (this.#jobs === 0) this.#wait();
    }
  }

  #interrupt(): void {
    clearTimeout(this.#timer);
    this.#stop?.abort();
  }

  #wait(): void {
    this.#interrupt();
    const [run, engine] = [this.#expected, this.#engine];
    if (!run || !engine) return;
    this.#timer = setTimeout(() => {
      const stop = new AbortController();
      this.#stop = stop;
      // A failure here is nobody's loss: defaults are good.
      this.#tuning = this.#tuning.then(() => this.#tune(run, engine, stop.signal)).catch(() => undefined);
    }, this.#patience);
  }

  async #tune(
    { files, recipe, data, streaming }: ExpectedRun,
    engine: Gpu,
    signal: AbortSignal,
  ): Promise<void> {
    const kept = await this.#keptOn(engine);
    signal.throwIfAborted();
    const products = await productsOfRun(files, recipe, engine, data, streaming);
    if (signal.aborted || toMeasure(engine, products, kept).length === 0) return;
    const gpu = await this.#openGpu();
    try {
      await tune(gpu, products, kept, { signal, maxSeconds: LONGEST });
    } finally {
      gpu.destroy();
    }
  }

  #keptOn(gpu: Gpu): Promise<TunedKernels> {
    return (this.#kept ??= this.#openKept(gpu));
  }
}
