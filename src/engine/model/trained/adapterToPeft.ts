import { newPeftConfig, type PeftAdapter, type PeftConfig } from '../../../content/formats/peft.ts';
import { publicModelName } from '../../../base/lib/publicName.ts';
import { readableRows } from '../weights/floatRows.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { ParameterBuffers } from '../decoder/parameters.ts';
import type { LoraValues } from './loraGroup.ts';
import { isHead, isParameter, type LoraModule, type LoraShape } from './loraModules.ts';
import { lastPart, type SavedMatrix } from './savedModules.ts';
import type { AdapterDescription } from './trainable.ts';

/** What of an adapter a PEFT folder holds. */
interface AdapterParts {
  readonly gpu: Gpu;
  readonly params: ParameterBuffers;
  readonly modules: readonly LoraModule[];
  readonly saved: readonly SavedMatrix[];
  /** Reads every module's matrices back, in order. */
  read(): Promise<Map<LoraModule, LoraValues>>;
}

/** Reads an adapter back from the GPU as the contents of a PEFT folder. */
export async function adapterToPeft(
  adapter: AdapterParts,
  about: AdapterDescription,
  biases: NonNullable<PeftAdapter['biases']>,
): Promise<PeftAdapter> {
  const modules: PeftAdapter['modules'] = new Map();
  for (const [{ path, rank, scale, linear }, values] of await adapter.read()) {
    const { inFeatures, outFeatures, experts } = linear;
    modules.set(path, { rank, scale, inFeatures, outFeatures, ...(experts && { experts }), ...values });
  }
  const saved = new Map(
    adapter.saved.map((matrix) => [
      matrix.spec.module,
      readableRows(adapter.gpu, matrix.weight(adapter.params)),
    ]),
  );
  const tiedHead = adapter.saved.find(({ spec }) => spec.tiesHead !== undefined)?.spec.tiesHead;
  const ties = tiedHead === undefined ? {} : { tiedHead };
  const trained = biases.size > 0 ? { biases } : {};
  return { config: peftConfig(adapter, about), modules, saved, ...ties, ...trained };
}

function peftConfig(adapter: AdapterParts, about: AdapterDescription): PeftConfig {
  const common = { base_model_name_or_path: publicModelName(about.base), lora_dropout: about.dropout };
  if ('from' in about) return newPeftConfig({ ...about.from, ...common });
  return newPeftConfig({
    ...common,
    r: about.rank,
    lora_alpha: about.alpha,
    use_rslora: about.rslora,
    use_dora: about.dora ?? false,
    // A plan takes the same modules in each of its layers, so that names and layers say it all.
    target_modules: [
      ...new Set(adapter.modules.filter((m) => !isParameter(m.linear)).map((m) => m.linear.name)),
    ].sort(),
    ...parametersOf(adapter, about),
    modules_to_save: adapter.saved.length > 0 ? adapter.saved.map(({ spec }) => lastPart(spec)) : null,
    // Without this PEFT would put the modules into every layer of the model.
    layers_to_transform: about.layers === 'all' ? null : layersOf(adapter),
    ...(about.excluded?.length && { exclude_modules: everythingIn(about.excluded) }),
  });
}

/** What PEFT adapts as parameters: by names, or by full names in some of the layers, since it takes those in any layer. */
function parametersOf(
  { modules }: AdapterParts,
  { rank, alpha, layers }: Pick<LoraShape, 'rank' | 'alpha' | 'layers'>,
): Partial<PeftConfig> {
  const found = modules.filter(({ linear }) => isParameter(linear));
  if (found.length === 0) return {};
  const nameOf = ({ path, linear }: LoraModule) => {
    const name = layers === 'all' ? linear.name : path;
    return linear.experts ? name : `${name}.weight`;
  };
  const doubled = new Set(found.filter(({ times = 1 }) => times > 1).map(({ linear }) => linear.name));
  const pattern = (value: number) =>
    Object.fromEntries([...doubled].map((name) => [String.raw`.*\.${name}`, 2 * value]));
  return {
    target_parameters: [...new Set(found.map(nameOf))].sort(),
    rank_pattern: pattern(rank),
    alpha_pattern: pattern(alpha),
  };
}

/** A regular expression, since PEFT takes names in a list for ends of names. */
function everythingIn(modules: readonly string[]): string {
  return String.raw`(?:${modules.map((module) => module.replaceAll('.', String.raw`\.`)).join('|')})\..*`;
}

function layersOf({ modules }: AdapterParts): number[] {
  const inBlocks = modules.filter((module) => !isHead(module));
  return [...new Set(inBlocks.map((m) => m.layer))].sort((a, b) => a - b);
}
