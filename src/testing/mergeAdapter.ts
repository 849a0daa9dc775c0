import type { PeftAdapter } from '../formats/peft.ts';
import { createRandom } from '../lib/random.ts';
import { newPeftConfig } from '../formats/peft.ts';
import { loraScale, planLora, type LoraShape } from '../model/loraModules.ts';
import type { ModelFiles } from '../model/openModel.ts';

/** A random adapter for a model, as a PEFT folder would hold it: B is not zero. */
export function randomPeft(
  { spec }: ModelFiles,
  shape: Partial<LoraShape> = {},
  { seed = 5, size = 0.3 } = {},
): PeftAdapter {
  const full: LoraShape = {
    ...{ rank: 4, alpha: 8, rslora: false, targets: ['q_proj', 'down_proj'], layers: 'all' },
    ...shape,
  };
  const { rank, alpha, rslora } = full;
  const random = createRandom(seed);
  const values = (length: number) => Float32Array.from({ length }, () => size * (2 * random.next() - 1));
  const modules: PeftAdapter['modules'] = new Map();
  for (const { path, linear } of planLora(spec, full)) {
    const { inFeatures, outFeatures } = linear;
    const scale = loraScale(rank, alpha, rslora);
    const [a, b] = [values(rank * inFeatures), values(outFeatures * rank)];
    modules.set(path, { rank, scale, a, b, inFeatures, outFeatures });
  }
  return { config: newPeftConfig({ r: rank, lora_alpha: alpha, use_rslora: rslora }), modules };
}
