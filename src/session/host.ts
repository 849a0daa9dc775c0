import type { WorkerLike } from '../base/threads/workerClient.ts';
import type { Directory } from '../base/storage/types.ts';
import type { RewardFunction, RewardFunctions } from '../content/rewards/functions.ts';
import type { Gpu } from '../engine/gpu/device.ts';
import type { QuantizedCache } from '../engine/model/weights/quantizedCache/quantizedCache.ts';
import type { TunedKernels } from '../engine/tuning/tunedKernels.ts';

/** What a host brings to a session: a page's worker, Node, or a program of your own. */
export interface Host {
  /** Opens a GPU device for the session. Throws `gpu.no_adapter`, or what the host says instead. */
  openGpu(): Promise<Gpu>;
  /** What was measured of kernels on this adapter, and where more is recorded. */
  tunedKernels(gpu: Gpu): Promise<TunedKernels>;
  /** A folder for block inputs that wait on disk (activation offload). Everything in it may be removed. */
  spillFolder(): Promise<Directory>;
  /**
   * Where 4-bit weights are cached for later loads; null where nothing is cached.
   * @param onProblem reports why weights were not cached
   */
  quantizedCache(onProblem: (error: unknown) => void): Promise<QuantizedCache | null>;
  /**
   * Starts what runs `createScoringService`: regular expressions of rewards and metrics, apart from the program so that it can
   * be ended. Where absent, they run in the caller's thread, and nothing ends them.
   */
  startScoring?(): WorkerLike;
  /** The folder of streamed rows, a folder a data file; absent where all rows are in memory. */
  rowShards?(): Promise<Directory>;
  /**
   * Runs functions of a recipe's rewards apart from the program itself; absent where there is no such place. Throws
   * `train.reward_*` where one cannot be run.
   */
  rewardFunctions?(functions: readonly RewardFunction[]): RewardFunctions | Promise<RewardFunctions>;
}
