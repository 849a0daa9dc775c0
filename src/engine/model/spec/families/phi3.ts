import type { ConfigReader } from '../configReader.ts';
import { innerRope, readRope, type RopeOwner } from '../ropeConfig.ts';
import type { RopeFrequencies } from '../../../kernels/ropeFrequencies.ts';
import type { Family } from './family.ts';
import { linear } from './llamaLayout.ts';
import { windowOfAll } from './mistral.ts';

/** Phi-3, Phi-3.5 and Phi-4-mini: fused projections, heads that may turn in part, longrope. */
export const phi3: Family = {
  modelType: 'phi3',
  architecture: 'Phi3ForCausalLM',
  defaults: { maxPositions: 4096, normEps: 1e-5, partialRotary: 1, originalPositions: 4096 },
  differences: (config, base) => {
    const rope = phiRope(config, base.rope);
    return { ropeOf: () => rope, ...windowOfAll(config, 0) };
  },
  layout: ({ hiddenSize: d, ffnSize: f, heads, kvHeads, headDim }) => {
    const [q, kv] = [heads * headDim, kvHeads * headDim];
    return {
      linears: [
        linear('self_attn.qkv_proj', d, false, { q, k: kv, v: kv }),
        linear('self_attn.o_proj', q, false, { o: d }),
        linear('mlp.gate_up_proj', d, false, { gate: f, up: f }),
        linear('mlp.down_proj', f, false, { down: d }),
      ],
    };
  },
};

/** transformers knows longrope only, under three names. */
function phiRope(config: ConfigReader, owner: RopeOwner): RopeFrequencies {
  const inner = innerRope(config);
  if (!inner) return readRope(config, owner);
  const key = inner.present('rope_type') || !inner.present('type') ? 'rope_type' : 'type';
  const type = inner.string(key, 'default');
  if (type === 'default') return readRope(config, owner);
  if (!['longrope', 'su', 'yarn'].includes(type)) throw inner.unsupported(key, type);
  return readRope(config, owner, inner.withValue(key, 'longrope'));
}
