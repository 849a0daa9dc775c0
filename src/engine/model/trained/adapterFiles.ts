import type { PeftAdapter, PeftConfig, PeftModule } from '../../../content/formats/peft.ts';
import type { PeftSaved } from '../../../content/formats/peftSaved.ts';
import type { Gpu } from '../../gpu/device.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { writeRows } from '../weights/floatRows.ts';
import { LoraAdapter } from './loraAdapter.ts';
import { checkDora, type LoraModule } from './loraModules.ts';
import type { SavedSpec } from './savedModules.ts';
import { headLinear, linearsOf, modulePath, type DecoderSpec } from '../spec/spec.ts';

/**
 * Uploads a PEFT adapter to the GPU. Every module it names must exist in this model and fit it; none is silently
 * ignored. Throws `model.adapter_unknown_module`, `model.adapter_older_experts`, `model.adapter_shape`.
 */
export async function loadAdapter(
  gpu: Gpu,
  spec: DecoderSpec,
  peft: PeftAdapter,
  ratio = 1,
): Promise<LoraAdapter> {
  const modules = matchModules(spec, peft);
  const adapter = new LoraAdapter(gpu, modules, matchSaved(spec, peft), peft.biases, ratio);
  for (const module of modules) adapter.write(module, peft.modules.get(module.path)!);
  for (const matrix of adapter.saved) {
    await writeRows(gpu, matrix.weight(adapter.params), peft.saved!.get(matrix.spec.module)!);
  }
  return adapter;
}

/** The adapter's fully trained modules, checked against the model. Throws `model.adapter_*` likewise. */
export function matchSaved(spec: DecoderSpec, peft: PeftAdapter): SavedSpec[] {
  const matched = [...(peft.saved ?? [])].map((entry): SavedSpec => {
    const matrix = matchMatrix(spec, entry, peft.config);
    return peft.tiedHead === undefined ? matrix : { ...matrix, tiesHead: peft.tiedHead };
  });
  // In the order of planSaved, whatever the order of the file.
  return matched.sort((a, b) => a.role.localeCompare(b.role));
}

/** An embedding or head that an adapter contains in full. Throws `model.adapter_*`. */
function matchMatrix(
  spec: DecoderSpec,
  [module, { rows, cols }]: readonly [string, PeftSaved],
  config: PeftConfig,
): SavedSpec {
  const base = baseOf(config);
  const role = (['embedding', 'head'] as const).find((of) => spec.names[of] === module);
  if (!role) throw new GraftError('model.adapter_unknown_module', { module, base });
  if (rows !== spec.vocabSize && cols === spec.hiddenSize) {
    throw new GraftError('model.adapter_vocabulary', { module, actual: rows, expected: spec.vocabSize });
  }
  const expected = `${spec.vocabSize} x ${spec.hiddenSize}`;
  const actual = `${rows} x ${cols}`;
  if (actual !== expected) throw new GraftError('model.adapter_shape', { module, actual, expected, base });
  return { role, module, rows, cols };
}

/** Checks an adapter against a model before anything is loaded. Throws `model.adapter_*`. */
export function checkAdapter(spec: DecoderSpec, peft: PeftAdapter): void {
  for (const entry of peft.replaced ?? []) matchMatrix(spec, entry, peft.config);
  matchSaved(spec, peft);
  matchModules(spec, peft);
  checkBiases(spec, peft);
}

/** Throws `model.adapter_*` for a trained bias of a layer that has none in this model. */
function checkBiases(spec: DecoderSpec, { biases, config }: PeftAdapter): void {
  const base = baseOf(config);
  const lengths = new Map<string, number>();
  for (let layer = 0; layer < spec.layers; layer++) {
    for (const { path, outFeatures, bias } of linearsOf(spec, layer)) {
      if (bias) lengths.set(modulePath(spec, layer, path), outFeatures);
    }
  }
  for (const [name, { length }] of biases ?? []) {
    const module = `${name}.bias`;
    const expected = lengths.get(name);
    if (expected === undefined) throw new GraftError('model.adapter_unknown_module', { module, base });
    if (length !== expected)
      throw new GraftError('model.adapter_shape', { module, actual: length, expected, base });
  }
}

/** The adapter's modules in the order of the forward pass, checked against the model. */
export function matchModules(spec: DecoderSpec, peft: PeftAdapter): LoraModule[] {
  const base = baseOf(peft.config);
  const left = new Set(peft.modules.keys());
  const modules: LoraModule[] = [];
  for (let layer = 0; layer <= spec.layers; layer++) {
    const inBlock = layer < spec.layers;
    for (const linear of inBlock ? linearsOf(spec, layer) : [headLinear(spec)]) {
      const path = inBlock ? modulePath(spec, layer, linear.path) : linear.path;
      const found = peft.modules.get(path);
      if (!found) continue;
      left.delete(path);
      const [actual, expected] = [sizesOf(found), sizesOf(linear)];
      if (actual !== expected)
        throw new GraftError('model.adapter_shape', { module: path, actual, expected, base });
      const { rank, scale, magnitudes } = found;
      modules.push({ layer, linear, path, rank, scale, dora: magnitudes !== undefined });
    }
  }
  const [unknown] = left;
  if (unknown !== undefined) {
    if (spec.experts && OLDER_EXPERT.test(unknown))
      throw new GraftError('model.adapter_older_experts', { module: unknown });
    throw new GraftError('model.adapter_unknown_module', { module: unknown, base });
  }
  checkDora(modules);
  return modules;
}

/** Modules of experts in transformers 4: a linear layer each, and in Granite one for all. */
const OLDER_EXPERT = /\.(?:experts\.\d+\.\w+|block_sparse_moe\.(?:input_linear|output_linear))$/;

function sizesOf({
  outFeatures,
  inFeatures,
  experts,
}: Pick<PeftModule, 'outFeatures' | 'inFeatures' | 'experts'>) {
  const each = `${outFeatures} x ${inFeatures}`;
  return experts === undefined ? each : `${experts} x ${each}`;
}

function baseOf({ base_model_name_or_path: name }: PeftConfig): string {
  return name ? ` (${name})` : '';
}
