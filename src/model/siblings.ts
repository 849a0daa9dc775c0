import { assert } from '../lib/errors.ts';
import type { DecoderSpec, LinearSpec, Projection } from './spec.ts';

/** What the linear layers of a block that read the same input make together. */
export type GroupName = 'qkv' | 'o' | 'gateUp' | 'down';

const PROJECTIONS: Record<GroupName, readonly Projection[]> = {
  qkv: ['q', 'k', 'v'],
  o: ['o'],
  gateUp: ['gate', 'up'],
  down: ['down'],
};

/** Every group, in the order of the forward pass. */
export const groupNames = Object.keys(PROJECTIONS) as readonly GroupName[];

/**
 * Linear layers of a block that read the same input: their outputs lie beside each other in one tensor [T, width], so
 * that one product can make them all, whatever number of layers a family has for them.
 */
export interface SiblingGroup {
  name: GroupName;
  linears: readonly LinearSpec[];
  /** First column of each layer's output. */
  starts: readonly number[];
  inFeatures: number;
  width: number;
}

/** The group a layer belongs to. */
export function groupOf({ outputs }: LinearSpec): GroupName {
  const name = groupNames.find((group) => PROJECTIONS[group].includes(outputs[0]!.projection));
  assert(name, 'a linear layer without an output');
  return name;
}

const known = new WeakMap<DecoderSpec, Record<GroupName, SiblingGroup>>();

/** The groups of a block. */
export function groupsOf(spec: DecoderSpec): Record<GroupName, SiblingGroup> {
  let groups = known.get(spec);
  if (!groups) {
    const entries = groupNames.map((name) => [name, makeGroup(spec, name)] as const);
    groups = Object.fromEntries(entries) as Record<GroupName, SiblingGroup>;
    known.set(spec, groups);
  }
  return groups;
}

function makeGroup(spec: DecoderSpec, name: GroupName): SiblingGroup {
  const linears = spec.linears.filter((linear) => groupOf(linear) === name);
  const made = linears.flatMap(({ outputs }) => outputs.map(({ projection }) => projection));
  assert(made.join() === PROJECTIONS[name].join(), `layers make ${made.join()} for ${name}`);
  let width = 0;
  const starts = linears.map(({ outFeatures }) => {
    width += outFeatures;
    return width - outFeatures;
  });
  return { name, linears, starts, inFeatures: linears[0]!.inFeatures, width };
}
