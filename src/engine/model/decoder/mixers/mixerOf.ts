import type { MixerSpec } from '../../spec/mixers.ts';
import { Attention } from './attention.ts';
import { DeltaRule } from './deltaRule.ts';
import type { Mixer } from './mixer.ts';
import { ShortConvolution } from './shortConvolution.ts';

const made = new WeakMap<MixerSpec, Mixer>();

/** The mixer that a spec describes. */
export function mixerFor(spec: MixerSpec): Mixer {
  let mixer = made.get(spec);
  if (!mixer) made.set(spec, (mixer = make(spec)));
  return mixer;
}

function make(spec: MixerSpec): Mixer {
  switch (spec.kind) {
    case 'attention':
      return new Attention(spec);
    case 'shortConvolution':
      return new ShortConvolution(spec);
    case 'deltaRule':
      return new DeltaRule(spec);
  }
}
