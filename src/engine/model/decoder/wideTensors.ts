import { reshape, type Tensor } from '../../gpu/tensor.ts';
import { gluGradientStride } from '../../kernels/glu.ts';
import { activation } from './activations.ts';
import type { Pass } from './pass.ts';
import { groupsOf } from '../spec/fusedProjections.ts';
import type { MixerSpec } from '../spec/mixers.ts';
import type { DecoderSpec } from '../spec/spec.ts';

/** Parts start at multiples of this many rows, so that they start at an allowed binding offset. */
const ROW_UNIT = 128;

/**
 * Tokens that the MLP or experts compute at a time: they are independent of each other there, and gate and up of all
 * tokens may exceed a binding.
 */
export function mlpRows({ commands, rows, spec }: Pass): number {
  const { experts, hiddenSize } = spec;
  const ofExperts = experts ? experts.top * Math.max(2 * experts.width, hiddenSize) : 0;
  const bytes = 4 * Math.max(groupsOf(spec).gateUp.width, ofExperts);
  const maxRows = Math.floor(commands.gpu.maxBinding / bytes / ROW_UNIT) * ROW_UNIT;
  return Math.min(rows, Math.max(ROW_UNIT, maxRows));
}

/** Whether the backward pass of a mixer reads what its first product computed. */
function keepsProjected({ headNorm }: DecoderSpec, { kind }: MixerSpec): boolean {
  return kind !== 'attention' || headNorm !== null;
}

/** Whether a mixer needs d mixed no more once it writes d projected. */
function overwritesGradient(mixer: MixerSpec): boolean {
  return mixer.kind === 'attention' && !mixer.outputGate;
}

/** The most columns that a mixer of the decoder needs of a tensor. */
function widest({ mixers }: DecoderSpec, columns: (mixer: MixerSpec) => number): number {
  return Math.max(...mixers.map(columns));
}

/**
 * The widest activations of a block, which share memory: what the mixer's first product computes (unless it is needed
 * later), then gate and up.
 */
export function wideActivations(pass: Pass, shape: readonly number[]): Tensor {
  const { spec } = pass;
  const projected = widest(spec, (mixer) =>
    keepsProjected(spec, mixer) ? 0 : groupsOf(spec, mixer).mixerIn.width,
  );
  // Allocates the largest at first use: growing would replace a buffer that recorded commands still use.
  const largest = Math.max(pass.rows * projected, mlpRows(pass) * groupsOf(spec).gateUp.width);
  return reshape(activation(pass, 'wide activations', pass.type, [largest]), shape);
}

/** What the products before and after a mixer write and read. */
export function mixerActivations(pass: Pass, mixer: MixerSpec): { projected: Tensor; mixed: Tensor } {
  const { spec, rows, type } = pass;
  const { mixerIn, mixerOut } = groupsOf(spec, mixer);
  // As wide as any mixer's, since blocks share them: see above.
  const shared = (name: string, width: number, columns: (mixer: MixerSpec) => number) =>
    reshape(activation(pass, name, type, [rows, widest(spec, columns)]), [rows, width]);
  return {
    projected: keepsProjected(spec, mixer)
      ? shared('projected', mixerIn.width, (other) =>
          keepsProjected(spec, other) ? groupsOf(spec, other).mixerIn.width : 0,
        )
      : wideActivations(pass, [rows, mixerIn.width]),
    mixed: shared('mixed', mixerOut.inFeatures, (other) => groupsOf(spec, other).mixerOut.inFeatures),
  };
}

/**
 * The widest gradients of a block, which share memory: of the MLP's activation, of what a mixer computes, and of its
 * first product where that one is no longer needed then. A part of the tokens uses the buffer of all.
 */
export function wideGradients(pass: Pass, shape: readonly number[]): Tensor {
  const { type, spec } = pass;
  const activated = gluGradientStride(type, groupsOf(spec).down.inFeatures, spec.glu);
  const ofMixer = widest(spec, (mixer) => {
    const { mixerIn, mixerOut } = groupsOf(spec, mixer);
    return Math.max(mixerOut.inFeatures, overwritesGradient(mixer) ? mixerIn.width : 0);
  });
  const largest = Math.max(pass.rows * ofMixer, mlpRows(pass) * activated);
  return reshape(pass.workspace.get('wide gradients', 'f32', [largest]), shape);
}

/** [T, width] f32, the gradient of what a mixer's first product computes. */
export function mixerGradient(pass: Pass, mixer: MixerSpec): Tensor {
  const { spec, rows, workspace } = pass;
  const width = (of: MixerSpec) => groupsOf(spec, of).mixerIn.width;
  if (overwritesGradient(mixer)) return wideGradients(pass, [rows, width(mixer)]);
  const columns = widest(spec, (other) => (overwritesGradient(other) ? 0 : width(other)));
  return reshape(workspace.get('dProjected', 'f32', [rows, columns]), [rows, width(mixer)]);
}
