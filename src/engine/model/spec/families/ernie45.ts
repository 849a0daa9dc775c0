import type { Family } from './family.ts';

/** ERNIE 4.5, dense: neighbouring elements turn together, and one switch for all biases. */
export const ernie45: Family = {
  modelType: 'ernie4_5',
  architecture: 'Ernie4_5ForCausalLM',
  defaults: {
    kvHeads: 2,
    headDim: 128,
    maxPositions: 131_072,
    normEps: 1e-5,
    tied: true,
    theta: 500_000,
  },
  differences: () => ({ rotation: { interleaved: true, reversed: false, queryScale: null } }),
  biases: (config) => {
    const all = config.boolean('use_bias', false);
    return { qkv: all, output: all, mlp: all };
  },
};
