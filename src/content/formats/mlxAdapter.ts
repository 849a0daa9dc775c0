import { encodeFloats } from '../../base/lib/floats.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { WritableFolder } from '../../base/storage/types.ts';
import type { PeftAdapter, PeftModule } from './peft.ts';
import { byCodePoint, pythonJson } from './pythonJson.ts';
import { SafetensorsWriter } from './safetensorsWriter.ts';
import { writeText } from './text.ts';

const weightsFile = 'adapters.safetensors';
const configFile = 'adapter_config.json';

/** All layers, as mlx-lm counts them. */
const ALL_LAYERS = -1;

/**
 * Writes an adapter as mlx-lm reads it with `--adapter-path` (0.32, `mlx_lm/tuner/utils.py`): A and B in F32, each transposed.
 * mlx-lm has one rank and one scale for all modules: lower ranks are filled up with zeros, and what differs from the first
 * module's scale is in B.
 * Throws `formats.mlx_experts`.
 * @returns the number of modules
 */
export async function writeMlxAdapter(
  folder: Pick<WritableFolder, 'create'>,
  adapter: PeftAdapter,
): Promise<number> {
  const modules = [...adapter.modules].sort(([x], [y]) => byCodePoint(x, y));
  const [expert] = modules.find(([, { experts }]) => experts !== undefined) ?? [];
  if (expert !== undefined) throw new GraftError('formats.mlx_experts', { module: expert });
  const rank = Math.max(...modules.map(([, module]) => module.rank));
  // An alpha of 0 is a scale of 0, which nothing can be divided by.
  const scale = modules.find(([, module]) => module.scale !== 0)?.[1].scale ?? 1;
  const tensors = modules.flatMap(([name, module]) => [
    { name: `${name}.lora_a`, shape: [module.inFeatures, rank], values: transposedA(module, rank) },
    { name: `${name}.lora_b`, shape: [rank, module.outFeatures], values: transposedB(module, rank, scale) },
  ]);
  const entries = tensors.map(({ name, shape }) => ({ name, shape, dtype: 'F32' as const }));
  const writer = new SafetensorsWriter(await folder.create(weightsFile), entries, { format: 'mlx' });
  try {
    for (const { name, values } of tensors) await writer.write(name, encodeFloats(values, 'F32'));
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  // By its name in a layer, or else in the model.
  const keys = new Set(modules.map(([name]) => /\.layers\.\d+\.(.+)$/.exec(name)?.[1] ?? name));
  const parameters = { rank, scale, dropout: 0, keys: [...keys] };
  const config = { fine_tune_type: 'lora', num_layers: ALL_LAYERS, lora_parameters: parameters };
  await writeText(folder, configFile, pythonJson(config));
  return modules.length;
}

/** `[inFeatures, rank]`. */
function transposedA({ a, rank: own, inFeatures }: PeftModule, rank: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(inFeatures * rank);
  for (let k = 0; k < own; k++)
    for (let col = 0; col < inFeatures; col++) out[col * rank + k] = a[k * inFeatures + col]!;
  return out;
}

/** `[rank, outFeatures]`, so that `scale` is the module's own. */
function transposedB(
  { b, rank: own, outFeatures, scale: ownScale }: PeftModule,
  rank: number,
  scale: number,
): Float32Array<ArrayBuffer> {
  const factor = ownScale / scale;
  const out = new Float32Array(rank * outFeatures);
  for (let row = 0; row < outFeatures; row++)
    for (let k = 0; k < own; k++) out[k * outFeatures + row] = b[row * own + k]! * factor;
  return out;
}
