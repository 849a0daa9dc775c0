import { newPeftConfig, type PeftAdapter, type PeftConfig } from '../formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import { GraftError } from '../lib/errors.ts';
import { LoraAdapter } from './loraAdapter.ts';
import type { LoraModule } from './loraModules.ts';
import { linearsOf, modulePath, type DecoderSpec } from './spec.ts';

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
    for (const linear of linearsOf(spec)) {
      const path = modulePath(layer, linear.path);
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

/** What an adapter_config.json tells beyond the matrices. */
export interface AdapterDescription {
  base: string;
  rank: number;
  alpha: number;
  rslora: boolean;
  dropout: number;
}

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
  const names = [...new Set(adapter.modules.map((m) => m.linear.name))].sort();
  const layersOf = (name: string) =>
    adapter.modules.filter((m) => m.linear.name === name).map((m) => m.layer);
  const layers = [...new Set(adapter.modules.map((m) => m.layer))].sort((a, b) => a - b);
  const everywhere = names.every((name) => layersOf(name).length === layers.length);
  const last = Math.max(...layers);
  const partial = layers.length < last + 1;
  return newPeftConfig({
    base_model_name_or_path: about.base,
    r: about.rank,
    lora_alpha: about.alpha,
    lora_dropout: about.dropout,
    use_rslora: about.rslora,
    target_modules: everywhere ? names : adapter.modules.map((m) => m.path).sort(),
    ...(partial && everywhere ? { layers_to_transform: layers, layers_pattern: 'layers' } : {}),
  });
}
