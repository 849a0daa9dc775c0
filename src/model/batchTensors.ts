import type { MicroBatch } from '../data/microBatch.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { upload } from '../gpu/transfer.ts';
import type { TokenPlaces } from '../kernels/embedding.ts';
import { placesOfTokens } from '../data/tokenPlaces.ts';
import type { Workspace } from './workspace.ts';

/** A micro-batch on the GPU; all u32 but the weights. T tokens in a row, segment after segment; R of them have a target. */
export interface BatchTensors {
  /** T */
  rows: number;
  /** The tokens themselves, for what is read of a file by them. */
  ids: Uint32Array;
  tokens: Tensor;
  positions: Tensor;
  segmentStart: Tensor;
  segmentEnd: Tensor;
  /** R */
  targets: number;
  targetRows: Tensor;
  targetIds: Tensor;
  /** [R] f32, what the loss of each target counts; null where each counts 1. */
  targetWeights: Tensor | null;
  /** Where each token stands, where the embedding is trained. */
  tokenPlaces: TokenPlaces | null;
}

/**
 * Uploads a micro-batch over the one before, whose commands must have been submitted.
 * @param options.withPlaces also where each token stands, which training the embedding needs
 * @param options.name tells its tensors from those of another micro-batch that is there at the same time
 */
export function uploadBatch(
  gpu: Gpu,
  workspace: Workspace,
  batch: MicroBatch,
  { withPlaces = false, name: own = '' }: { withPlaces?: boolean; name?: string } = {},
): BatchTensors {
  const put = (name: string, values: Uint32Array | Float32Array) => {
    const type = values instanceof Float32Array ? 'f32' : 'u32';
    const tensor = workspace.get(`batch ${name}${own}`, type, [values.length]);
    upload(gpu, tensor, values);
    return tensor;
  };
  return {
    rows: batch.tokens.length,
    ids: batch.tokens,
    tokens: put('tokens', batch.tokens),
    positions: put('positions', batch.positions),
    segmentStart: put('segment start', batch.segmentStart),
    segmentEnd: put('segment end', batch.segmentEnd),
    targets: batch.targetRows.length,
    targetRows: put('target rows', batch.targetRows),
    targetIds: put('target ids', batch.targetIds),
    targetWeights: batch.targetWeights && put('target weights', batch.targetWeights),
    tokenPlaces: withPlaces ? putPlaces() : null,
  };

  function putPlaces(): TokenPlaces {
    const { tokens, starts, places } = placesOfTokens(batch.tokens);
    return {
      tokens: put('unique tokens', tokens),
      starts: put('token starts', starts),
      places: put('token places', places),
      unique: tokens.length,
    };
  }
}
