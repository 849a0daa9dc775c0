import { assert } from '../../../base/lib/errors.ts';
import type { MixerKind, MixerSpec } from './mixers.ts';
import { linearsOf, type DecoderSpec, type LinearSpec, type Projection } from './spec.ts';

/** The groups of linear layers of a block that read the same input, in the order of the forward pass. */
export const groupNames = [
  'mixerIn',
  'mixerOut',
  'gateUp',
  'down',
  'router',
  'expertsIn',
  'expertsOut',
] as const;
export type GroupName = (typeof groupNames)[number];

/** What mixers read, each in the order of its columns. */
const MIXER_INPUTS: Record<MixerKind, readonly Projection[]> = {
  attention: ['q', 'k', 'v'],
  shortConvolution: ['inputGate', 'outputGate', 'input'],
  deltaRule: ['q', 'k', 'v', 'z', 'beta', 'decay'],
};

/** What the other groups compute, each in the order of its columns. */
const PROJECTIONS: Record<Exclude<GroupName, 'mixerIn'>, readonly Projection[]> = {
  mixerOut: ['o'],
  gateUp: ['gate', 'up'],
  down: ['down'],
  router: ['router'],
  expertsIn: ['expertGate', 'expertUp'],
  expertsOut: ['expertDown'],
};

/**
 * Fused projections: linear layers of a block that read the same input. Their outputs are next to each other in one
 * tensor [T, width], so that one product can compute them all, however many layers a family splits them into.
 */
export interface FusedGroup {
  name: GroupName;
  linears: readonly LinearSpec[];
  /** First column of each layer's output. */
  starts: readonly number[];
  inFeatures: number;
  width: number;
}

/** The group a layer belongs to. */
export function groupOf({ outputs }: LinearSpec): GroupName {
  const [first] = outputs;
  assert(first, 'a linear layer without an output');
  const after = Object.entries(PROJECTIONS).find(([, made]) => made.includes(first.projection));
  return after ? (after[0] as keyof typeof PROJECTIONS) : 'mixerIn';
}

function projectionsOf(spec: DecoderSpec, kind: MixerKind, name: GroupName): readonly Projection[] {
  if (name === 'mixerIn') return MIXER_INPUTS[kind];
  return name === 'gateUp' && !spec.glu.gated ? ['up'] : PROJECTIONS[name];
}

type Groups = Record<GroupName, FusedGroup>;

const known = new WeakMap<DecoderSpec, Map<MixerSpec, Groups>>();

/** The groups of a block with this mixer; those after it are the same in all. One that no block has is empty. */
export function groupsOf(spec: DecoderSpec, mixer: MixerSpec = spec.mixers[0]): Groups {
  let ofSpec = known.get(spec);
  if (!ofSpec) known.set(spec, (ofSpec = new Map()));
  let groups = ofSpec.get(mixer);
  if (!groups) {
    const entries = groupNames.map((name) => [name, makeGroup(spec, mixer, name)] as const);
    ofSpec.set(mixer, (groups = Object.fromEntries(entries) as Groups));
  }
  return groups;
}

/** The groups that a block has; those of experts, of which there are several each, are not among them. */
export function groupsIn(spec: DecoderSpec, layer: number): FusedGroup[] {
  const own = new Set(linearsOf(spec, layer).flatMap((linear) => (linear.experts ? [] : [groupOf(linear)])));
  const groups = groupsOf(spec, spec.mixerOf(layer));
  return groupNames.filter((name) => own.has(name)).map((name) => groups[name]);
}

function makeGroup(spec: DecoderSpec, { kind }: MixerSpec, name: GroupName): FusedGroup {
  const linears = spec.linears.filter(
    (linear) => groupOf(linear) === name && (linear.mixer === null || linear.mixer === kind),
  );
  const made = linears.flatMap(({ outputs }) => outputs.map(({ projection }) => projection));
  if (linears.length === 0) return { name, linears, starts: [], inFeatures: 0, width: 0 };
  const wanted = projectionsOf(spec, kind, name);
  assert(made.join() === wanted.join(), `layers make ${made.join()} for ${name}`);
  let width = 0;
  const starts = linears.map(({ outFeatures }) => {
    width += outFeatures;
    return width - outFeatures;
  });
  return { name, linears, starts, inFeatures: linears[0]!.inFeatures, width };
}
