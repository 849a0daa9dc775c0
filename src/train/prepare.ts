import type { Recipe } from '../config/recipe.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ModelFiles } from '../model/openModel.ts';
import type { Streaming } from '../model/streaming.ts';
import type { DataShapes } from './largestBatch.ts';
import { kernelsOfRun } from './memoryPlan.ts';

/** What getting ready for a run took; weights and shaders come at the same time. */
export interface Preparation {
  /** Shaders that were compiled, and until when that took. */
  shaders: number;
  shaderSeconds: number;
  /** Until the weights were there. */
  weightSeconds: number;
  /** Kinds of products whose kernels were measured to be better than the defaults. */
  tuned: number;
}

/**
 * Loads the weights of a run while its shaders are compiled side by side. Throws `gpu.shader`, and what planning and
 * loading throw, once both have ended.
 * @param load brings the weights to the GPU
 */
export async function prepareRun<T>(
  gpu: Gpu,
  run: { files: ModelFiles; recipe: Recipe; data: DataShapes | null; streaming: Streaming },
  load: () => Promise<T>,
): Promise<{ loaded: T; preparation: Preparation }> {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const uses = await kernelsOfRun(run.files, run.recipe, gpu, run.data, run.streaming);
  const tuned = Object.keys(gpu.choices.used).length;
  const compiling = gpu.kernels.prepare(uses).then((shaders) => ({ shaders, shaderSeconds: seconds() }));
  // What is wrong with the weights is told first.
  compiling.catch(() => undefined);
  const loaded = await load();
  const weightSeconds = seconds();
  return { loaded, preparation: { ...(await compiling), weightSeconds, tuned } };
}

/** What came before the first step, in words that go on from “done”. @param seconds until that step was done */
export function describePreparation(
  { shaders, shaderSeconds, weightSeconds, tuned }: Preparation,
  seconds: number,
): string {
  const parts = `weights ${weightSeconds.toFixed(1)} s, ${shaders} shaders ${shaderSeconds.toFixed(1)} s`;
  const choices = tuned === 0 ? '' : `, ${tuned} kinds of products by kernels that tuning chose`;
  return `after ${seconds.toFixed(1)} s (side by side: ${parts})${choices}.`;
}
