import type { NameRule } from '../../../../content/formats/checkpoint.ts';
import { readExperts } from '../experts.ts';
import { layerTypes } from '../layerTypes.ts';
import { expertLinears } from './expertLayout.ts';
import type { Family } from './family.ts';
import { multipliers } from './granite.ts';
import { attentionBiases } from './llama.ts';
import { attentionLinears, linear } from './llamaLayout.ts';

/**
 * Granite 4 as far as it has attention in every layer: an MLP, in larger models experts beside it, and RoPE only if it is
 * asked for.
 */
export const graniteHybrid: Family = {
  modelType: 'granitemoehybrid',
  architecture: 'GraniteMoeHybridForCausalLM',
  layerTypes: 'always',
  ffnKey: ['shared_intermediate_size', 1024],
  differences: (config, { layers }) => {
    const experts = readExperts(config, {
      ...{ key: 'num_local_experts', count: 8, top: 2, width: ['intermediate_size', 11008] },
      amongChosen: true,
      ...{ router: 'block_sparse_moe.router', module: 'block_sparse_moe.experts', wereLinear: false },
      stacked: { in: 'block_sparse_moe.input_linear', out: 'block_sparse_moe.output_linear' },
    });
    // An older name of the key; without either, every layer is a Mamba layer.
    const key = config.has('layers_block_type') ? 'layers_block_type' : 'layer_types';
    if (!config.has(key)) throw config.unsupported(`${key}[0]`, 'mamba');
    const typeOf = layerTypes(config, layers, () => 'full_attention', key);
    for (let layer = 0; layer < layers; layer++) {
      if (typeOf(layer) !== 'full_attention') throw config.unsupported(`${key}[${layer}]`, typeOf(layer));
    }
    const turns =
      config.has('position_embedding_type') && config.string('position_embedding_type') === 'rope';
    return {
      ...multipliers(config),
      ...(turns ? {} : { ropeOf: () => null }),
      ...(experts && { experts, feedForwardOf: () => 'both' as const, nameRules: [routerRule] }),
    };
  },
  biases: attentionBiases,
  layout: (sizes, biases) => {
    const { hiddenSize: d, ffnSize: f } = sizes;
    return {
      linears: [
        ...attentionLinears(sizes, biases),
        linear('shared_mlp.input_linear', d, false, { gate: f, up: f }),
        linear('shared_mlp.output_linear', f, false, { down: d }),
        ...expertLinears(sizes),
      ],
    };
  },
};

/** Files name the router's matrix as a layer inside of it. */
const routerRule: NameRule = {
  known: (stored) =>
    swapped(stored, '.block_sparse_moe.router.layer.weight', '.block_sparse_moe.router.weight'),
  stored: (known) =>
    swapped(known, '.block_sparse_moe.router.weight', '.block_sparse_moe.router.layer.weight'),
};

function swapped(name: string, from: string, to: string): string | null {
  return name.endsWith(from) ? name.slice(0, -from.length) + to : null;
}
