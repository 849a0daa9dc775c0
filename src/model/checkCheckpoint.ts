import type { Checkpoint } from '../formats/checkpoint.ts';
import { GraftError } from '../lib/errors.ts';
import { tensorsOf, type DecoderSpec } from './spec.ts';

/**
 * Compares the headers of a checkpoint with what its config calls for, before a byte of weights is read.
 * Other tensors may be there: a tied model's file may store the head all the same, older ones their rotary
 * frequencies.
 * Throws `model.tensor_missing`, `model.tensor_shape`.
 */
export function checkCheckpoint(spec: DecoderSpec, checkpoint: Checkpoint): void {
  for (const { name, shape } of tensorsOf(spec)) {
    const found = checkpoint.tensors.get(name);
    if (!found) throw new GraftError('model.tensor_missing', { tensor: name });
    const actual = found.info.shape;
    if (actual.length !== shape.length || actual.some((n, i) => n !== shape[i])) {
      throw new GraftError('model.tensor_shape', {
        tensor: name,
        actual: actual.join(', '),
        expected: shape.join(', '),
      });
    }
  }
}
