import { newPeftConfig, type PeftAdapter, type PeftConfig } from '../formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import { GraftError } from '../lib/errors.ts';
import { LoraAdapter } from './loraAdapter.ts';
import type { LoraModule, LoraShape } from './loraModules.ts';
import { modulePath, type DecoderSpec } from './spec.ts';

/**
 * Puts a PEFT adapter on the GPU. Every module it names must exist in this model and fit it; nothing is
 * silently left out. Throws `model.adapter_unknown_module`, `model.adapter_shape`.
 */
export function loadAdapter(gpu: Gpu, spec: DecoderSpec, peft: PeftAdapter): LoraAdapter {
  const modules = matchModules(spec, peft);
  const adapter = new LoraAdapter(gpu, modules);
  for (const module of modules) adapter.write(module, peft.modules.get(module.path)!);
  return adapter;
}

/** The adapter's modules in the order of the forward pass, each checked against the model. */
export function matchModules(spec: DecoderSpec, peft: PeftAdapter): LoraModule[] {
  const name = peft.config.base_model_name_or_path;
  const base = name ? ` (${name})` : '';
  const left = new Set(peft.modules.keys());
  const modules: LoraModule[] = [];
  for (let layer = 0; layer < spec.layers; layer++) {
    for (const linear of spec.linears) {
      const path = modulePath(spec, layer, linear.path);
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
  return { config: peftConfig(adapter, about), modules };
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
    // Without this PEFT would put the modules into every layer of the model.
    layers_to_transform: about.layers === 'all' ? null : layersOf(adapter),
  });
}

function layersOf({ modules }: LoraAdapter): number[] {
  return [...new Set(modules.map((m) => m.layer))].sort((a, b) => a - b);
}
