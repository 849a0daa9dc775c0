import type { Tensor } from '../../gpu/tensor.ts';
import { groupNames, groupsIn, type GroupName } from '../spec/fusedProjections.ts';
import { mixerTensors, type MixerRole } from '../spec/mixers.ts';
import {
  BLOCK_NORMS,
  matrixOf,
  modulePath,
  normTable,
  type BlockNorm,
  type DecoderSpec,
} from '../spec/spec.ts';
import { loadExperts } from './loadExperts.ts';
import type { WeightLoader } from './weightLoader.ts';
import { noWeights, type BlockWeights, type GroupWeights } from './weights.ts';

/** Loads the final norm. */
export async function loadFinalNorm(
  loader: WeightLoader,
  { names, hiddenSize, normWeights }: DecoderSpec,
): Promise<Tensor | null> {
  return normWeights ? loader.vector(`${names.finalNorm}.weight`, [hiddenSize]) : null;
}

/** Loads the weights of one block. */
export async function loadBlock(
  loader: WeightLoader,
  spec: DecoderSpec,
  layer: number,
): Promise<BlockWeights> {
  const table = normTable(spec);
  const norms: [BlockNorm, Tensor | null][] = [];
  for (const name of BLOCK_NORMS) {
    const of = table[name];
    norms.push([name, of && (await loader.vector(modulePath(spec, layer, of.path), [of.length]))]);
  }
  const mixer: Partial<Record<MixerRole, Tensor>> = {};
  for (const { role, path, shape } of mixerTensors(spec, spec.mixerOf(layer)))
    mixer[role] = await loader.vector(modulePath(spec, layer, path), shape);
  const groups = Object.fromEntries(groupNames.map((name) => [name, noWeights])) as Groups;
  for (const group of groupsIn(spec, layer)) {
    const matrices = group.linears.map((linear) => matrixOf(spec, layer, linear));
    const weights = await loader.fused(matrices);
    const parts = weights.map((weight, i) => ({ weight, start: group.starts[i]! }));
    const bias = await loader.biases(matrices.map(({ module, rows }) => ({ name: `${module}.bias`, rows })));
    groups[group.name] = { parts, bias };
  }
  const experts = await loadExperts(loader, spec, layer);
  return { norms: Object.fromEntries(norms) as BlockWeights['norms'], mixer, groups, experts };
}

type Groups = Record<GroupName, GroupWeights>;
