import type { Gpu } from '../gpu/device.ts';
import type { Segment } from '../model/decoder/parameters.ts';
import { Adam32bitStates } from './adam32bitStates.ts';
import { Adam8bitStates } from './adam8bitStates.ts';
import type { AdamStates, OptimizerName } from './adamStates.ts';

/** Fresh states for a buffer of parameters. */
export function createAdamStates(gpu: Gpu, segment: Segment, optimizer: OptimizerName): AdamStates {
  return optimizer === 'adamw_8bit' ? new Adam8bitStates(gpu, segment) : new Adam32bitStates(gpu, segment);
}
