import { layerTypes, windowsOf } from '../layerTypes.ts';
import { readRope } from '../ropeConfig.ts';
import type { Family } from './family.ts';
import { postNormNames } from './llamaLayout.ts';

/** EXAONE 4: norms after attention and MLP only; where some layers slide, the others do not turn. */
export const exaone4: Family = {
  modelType: 'exaone4',
  architecture: 'Exaone4ForCausalLM',
  layerTypes: 'always',
  defaults: { kvHeads: 32, normEps: 1e-5 },
  differences: (config, { layers, rope }) => {
    const slides = !config.isNull('sliding_window');
    const pattern = slides && !config.has('layer_types') ? config.integer('sliding_window_pattern', 4) : 1;
    const typeOf = layerTypes(config, layers, (layer) =>
      (layer + 1) % pattern ? 'sliding_attention' : 'full_attention',
    );
    const shared = readRope(config, rope);
    return {
      headNorm: { over: 'head', order: 'before' },
      ropeOf: (layer) => (slides && typeOf(layer) === 'full_attention' ? null : shared),
      windowOf: windowsOf(config, layers, typeOf, 4096),
    };
  },
  layout: () => ({ names: postNormNames }),
};
