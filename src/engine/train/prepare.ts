import type { Recipe } from '../../base/config/recipe.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';
import type { Streaming } from '../model/weights/streaming.ts';
import type { DataShapes } from './largestBatch.ts';
import { kernelsOfRun } from './memoryPlan.ts';

/** How long preparing a run took; weights and shaders are loaded at the same time. */
export interface Preparation {
  /** Shaders that were compiled, and the seconds until they were. */
  shaders: number;
  shaderSeconds: number;
  /** Seconds until the weights were loaded. */
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
  // Errors of the weights are reported first.
  compiling.catch(() => undefined);
  const loaded = await load();
  const weightSeconds = seconds();
  return { loaded, preparation: { ...(await compiling), weightSeconds, tuned } };
}

/** What preceded the first step, as a phrase that follows “done”. @param seconds until that step was done */
export function describePreparation(
  { shaders, shaderSeconds, weightSeconds, tuned }: Preparation,
  seconds: number,
): string {
  const parts = `weights ${weightSeconds.toFixed(1)} s, ${shaders} shaders ${shaderSeconds.toFixed(1)} s`;
  const choices = tuned === 0 ? '' : `, ${tuned} kinds of products by kernels that tuning chose`;
  return `after ${seconds.toFixed(1)} s (side by side: ${parts})${choices}.`;
}
