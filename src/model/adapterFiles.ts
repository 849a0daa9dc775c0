import { newPeftConfig, type PeftAdapter, type PeftConfig } from '../formats/peft.ts';
import type { PeftSaved } from '../formats/peftSaved.ts';
import type { Gpu } from '../gpu/device.ts';
import { GraftError } from '../lib/errors.ts';
import { readableRows, writeRows } from './floatRows.ts';
import { LoraAdapter } from './loraAdapter.ts';
import { isHead, type LoraModule, type LoraShape } from './loraModules.ts';
import { lastPart, type SavedSpec } from './savedModules.ts';
import { headLinear, modulePath, type DecoderSpec } from './spec.ts';

/**
 * Puts a PEFT adapter on the GPU. Every module it names must exist in this model and fit it; nothing is
 * silently left out. Throws `model.adapter_unknown_module`, `model.adapter_shape`.
 */
export async function loadAdapter(gpu: Gpu, spec: DecoderSpec, peft: PeftAdapter): Promise<LoraAdapter> {
  const modules = matchModules(spec, peft);
  const adapter = new LoraAdapter(gpu, modules, matchSaved(spec, peft));
  for (const module of modules) adapter.write(module, peft.modules.get(module.path)!);
  for (const matrix of adapter.saved) {
    await writeRows(gpu, matrix.weight(adapter.params), peft.saved!.get(matrix.spec.module)!);
  }
  return adapter;
}

/** The adapter's fully trained modules, each checked against the model. Throws `model.adapter_*` likewise. */
export function matchSaved(spec: DecoderSpec, peft: PeftAdapter): SavedSpec[] {
  const matched = [...(peft.saved ?? [])].map((entry): SavedSpec => {
    const matrix = matchMatrix(spec, entry, peft.config);
    return peft.tiedHead === undefined ? matrix : { ...matrix, tiesHead: peft.tiedHead };
  });
  // As planSaved has them, whatever the order of the file.
  return matched.sort((a, b) => a.role.localeCompare(b.role));
}

/** An embedding or head that an adapter holds whole. Throws `model.adapter_*`. */
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

/** Checks an adapter against a model, before anything is loaded. Throws `model.adapter_*`. */
export function checkAdapter(spec: DecoderSpec, peft: PeftAdapter): void {
  for (const entry of peft.replaced ?? []) matchMatrix(spec, entry, peft.config);
  matchSaved(spec, peft);
  matchModules(spec, peft);
}

/** The adapter's modules in the order of the forward pass, each checked against the model. */
export function matchModules(spec: DecoderSpec, peft: PeftAdapter): LoraModule[] {
  const base = baseOf(peft.config);
  const left = new Set(peft.modules.keys());
  const modules: LoraModule[] = [];
  for (let layer = 0; layer <= spec.layers; layer++) {
    const inBlock = layer < spec.layers;
    for (const linear of inBlock ? spec.linears : [headLinear(spec)]) {
      const path = inBlock ? modulePath(spec, layer, linear.path) : linear.path;
      const found = peft.modules.get(path);
      if (!found) continue;
      left.delete(path);
      if (found.inFeatures !== linear.inFeatures || found.outFeatures !== linear.outFeatures) {
        throw new GraftError('model.adapter_shape', {
          module: path,
          actual: `${found.outFeatures} x ${found.inFeatures}`,
          expected: `${linear.outFeatures} x ${linear.inFeatures}`,
          base,
        });
      }
      modules.push({ layer, linear, path, rank: found.rank, scale: found.scale });
    }
  }
  const [unknown] = left;
  if (unknown !== undefined) throw new GraftError('model.adapter_unknown_module', { module: unknown, base });
  return modules;
}

function baseOf({ base_model_name_or_path: name }: PeftConfig): string {
  return name ? ` (${name})` : '';
}

/** What an adapter_config.json tells beyond the matrices: new settings, or those it went on from. */
export type AdapterDescription = { base: string; dropout: number } & (
  Omit<LoraShape, 'targets'> | { from: PeftConfig }
);

/** Reads the adapter back as a PEFT folder's contents. */
export async function adapterToPeft(adapter: LoraAdapter, about: AdapterDescription): Promise<PeftAdapter> {
  const modules: PeftAdapter['modules'] = new Map();
  for (const [{ path, rank, scale, linear }, values] of await adapter.read()) {
    const { inFeatures, outFeatures } = linear;
    modules.set(path, { rank, scale, inFeatures, outFeatures, ...values });
  }
  const saved = new Map(
    adapter.saved.map((matrix) => [
      matrix.spec.module,
      readableRows(adapter.gpu, matrix.weight(adapter.params)),
    ]),
  );
  const tiedHead = adapter.saved.find(({ spec }) => spec.tiesHead !== undefined)?.spec.tiesHead;
  const ties = tiedHead === undefined ? {} : { tiedHead };
  return { config: peftConfig(adapter, about), modules, saved, ...ties };
}

function peftConfig(adapter: LoraAdapter, about: AdapterDescription): PeftConfig {
  const common = { base_model_name_or_path: about.base, lora_dropout: about.dropout };
  if ('from' in about) return newPeftConfig({ ...about.from, ...common });
  return newPeftConfig({
    ...common,
    r: about.rank,
    lora_alpha: about.alpha,
    use_rslora: about.rslora,
    // A plan takes the same modules in each of its layers, so that names and layers say it all.
    target_modules: [...new Set(adapter.modules.map((m) => m.linear.name))].sort(),
    modules_to_save: adapter.saved.length > 0 ? adapter.saved.map(({ spec }) => lastPart(spec)) : null,
    // Without this PEFT would put the modules into every layer of the model.
    layers_to_transform: about.layers === 'all' ? null : layersOf(adapter),
  });
}

function layersOf({ modules }: LoraAdapter): number[] {
  const inBlocks = modules.filter((module) => !isHead(module));
  return [...new Set(inBlocks.map((m) => m.layer))].sort((a, b) => a - b);
}
