import type { MicroBatch } from '../../../content/data/tokens/microBatch.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import { upload } from '../../gpu/transfer.ts';
import type { TokenPositions } from '../../kernels/embedding.ts';
import { positionsByToken } from '../../kernels/tokenPositions.ts';
import type { Workspace } from './workspace.ts';

/** A micro-batch on the GPU: T tokens, segment after segment, of which R have a target. All u32 except the weights. */
export interface BatchTensors {
  /** T */
  rows: number;
  /** Tokens of the longest sequence, those before the batch (in a cache) included. */
  longest: number;
  /** The tokens on the CPU, for weights that are read from files by token. */
  ids: Uint32Array;
  tokens: Tensor;
  positions: Tensor;
  segmentStart: Tensor;
  segmentEnd: Tensor;
  /** R */
  targets: number;
  targetRows: Tensor;
  targetIds: Tensor;
  /** [R] f32, the weight of each target's loss; null if all are 1. */
  targetWeights: Tensor | null;
  /** The positions of each distinct token; null if the embedding is not trained. */
  tokenPositions: TokenPositions | null;
}

/**
 * Uploads a micro-batch over the previous one, whose commands must have been submitted.
 * @param options.withTokenPositions whether to upload `tokenPositions`, needed to train the embedding
 * @param options.longest tokens of the longest sequence, if the micro-batch is only its beginning
 * @param options.name distinguishes its tensors from those of other micro-batches in flight
 */
export function uploadBatch(
  gpu: Gpu,
  workspace: Workspace,
  batch: MicroBatch,
  {
    withTokenPositions = false,
    longest = 0,
    name: own = '',
  }: { withTokenPositions?: boolean; longest?: number; name?: string } = {},
): BatchTensors {
  const put = (name: string, values: Uint32Array | Float32Array) => {
    const type = values instanceof Float32Array ? 'f32' : 'u32';
    const tensor = workspace.get(`batch ${name}${own}`, type, [values.length]);
    upload(gpu, tensor, values);
    return tensor;
  };
  return {
    rows: batch.tokens.length,
    longest: batch.positions.reduce((most, position) => Math.max(most, position + 1), longest),
    ids: batch.tokens,
    tokens: put('tokens', batch.tokens),
    positions: put('positions', batch.positions),
    segmentStart: put('segment start', batch.segmentStart),
    segmentEnd: put('segment end', batch.segmentEnd),
    targets: batch.targetRows.length,
    targetRows: put('target rows', batch.targetRows),
    targetIds: put('target ids', batch.targetIds),
    targetWeights: batch.targetWeights && put('target weights', batch.targetWeights),
    tokenPositions: withTokenPositions ? putTokenPositions() : null,
  };

  function putTokenPositions(): TokenPositions {
    const { tokens, starts, positions } = positionsByToken(batch.tokens);
    return {
      tokens: put('unique tokens', tokens),
      starts: put('token starts', starts),
      positions: put('token positions', positions),
      unique: tokens.length,
    };
  }
}
