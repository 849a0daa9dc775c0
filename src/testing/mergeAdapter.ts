import type { PeftAdapter } from '../content/formats/peft.ts';
import { createRandom } from '../base/lib/random.ts';
import { newPeftConfig } from '../content/formats/peft.ts';
import { loraScale, planLora, type LoraShape } from '../engine/model/trained/loraModules.ts';
import type { ModelFiles } from '../engine/model/spec/openModel.ts';

/** A random adapter for a model, as in a PEFT folder: B is not zero. */
export function randomPeft(
  { spec }: ModelFiles,
  shape: Partial<LoraShape> = {},
  { seed = 5, size = 0.3 } = {},
): PeftAdapter {
  const full: LoraShape = {
    rank: 4,
    alpha: 8,
    rslora: false,
    targets: ['q_proj', 'down_proj'],
    layers: 'all',
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
