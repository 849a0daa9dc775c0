import type { Commands } from '../../../engine/gpu/commands.ts';
import { causalConvolution, causalConvolutionState } from '../../../engine/kernels/causalConvolution.ts';
import { chunksOf, deltaRule, GATES } from '../../../engine/kernels/deltaRule.ts';
import type { Inputs } from '../../../engine/speed/inputs.ts';
import type { Case } from './case.ts';

/** What decoding takes of mixers that remember a state, at the sizes of LFM2 350M and Qwen3.5 0.8B. */
export function* mixerCases(): Generator<Case> {
  yield { title: 'gated convolution in decoding', record: (...to) => convolution(...to, 'gated', 3) };
  yield { title: 'convolution in decoding', record: (...to) => convolution(...to, 'silu', 4) };
  yield { title: 'delta rule in decoding', record: rule };
}

function convolution(commands: Commands, inputs: Inputs, form: 'gated' | 'silu', taps: number): void {
  const channels = form === 'gated' ? 1024 : 6144;
  const stride = form === 'gated' ? 3 * channels : channels;
  const raw = inputs.empty([1, stride]);
  const shared = {
    form,
    rows: 1,
    channels,
    stride,
    taps,
    weight: inputs.empty([channels, 1, taps]),
    bias: null,
    segmentStart: inputs.empty([1], 'u32'),
    segmentEnd: inputs.empty([1], 'u32'),
    raw,
    past: { inputs: inputs.empty([taps - 1, channels]), length: 9 },
  };
  causalConvolution(commands, { ...shared, y: inputs.empty([1, channels]) });
  causalConvolutionState(commands, shared);
}

function rule(commands: Commands, inputs: Inputs): void {
  const [rows, heads, dim] = [1, 16, 128];
  deltaRule(commands, {
    rows,
    keyHeads: heads,
    valueHeads: heads,
    keyDim: dim,
    valueDim: dim,
    segmentStart: inputs.empty([rows], 'u32'),
    qkv: inputs.empty([rows, 3 * heads * dim]),
    gates: inputs.empty([rows, GATES, heads]),
    w: inputs.empty([rows, heads, dim]),
    added: inputs.empty([rows, heads, dim]),
    states: inputs.empty([chunksOf(rows), heads, dim, dim]),
    o: inputs.empty([rows, heads, dim]),
    past: { state: inputs.empty([heads, dim, dim]), length: 9 },
  });
}
