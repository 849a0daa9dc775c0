import type { Commands } from '../../../engine/gpu/commands.ts';
import type { Inputs } from '../../../engine/speed/inputs.ts';

/** Something to record: the dispatches of a part of a step, or of decoding. */
export interface Case {
  title: string;
  record(commands: Commands, inputs: Inputs): void;
}
