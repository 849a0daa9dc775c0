import type { Checkpoint } from '../../../content/formats/checkpoint.ts';
import { shapeText } from '../../../content/formats/safetensorsHeader.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { expertMatrices, modulePath, type DecoderSpec } from './spec.ts';

/**
 * Lists the tensors of a checkpoint as a spec names them: under the names of their modules, and those of each expert apart
 * where files stack them. Throws `model.tensor_missing`, `model.tensor_shape` for stacks that are not the spec's.
 */
export function nameTensors(checkpoint: Checkpoint, spec: DecoderSpec): void {
  checkpoint.renameBy(spec.nameRules);
  const stacked = spec.experts?.stacked;
  if (!stacked) return;
  for (let layer = 0; layer < spec.layers; layer++) {
    if (spec.feedForwardOf(layer) === 'dense') continue;
    for (const [of, path] of [
      ['expertsIn', stacked.in],
      ['expertsOut', stacked.out],
    ] as const) {
      const tensor = `${modulePath(spec, layer, path)}.weight`;
      const found = checkpoint.tensors.get(tensor);
      if (!found) throw new GraftError('model.tensor_missing', { tensor });
      const matrices = expertMatrices(spec, layer, of);
      const expected = [matrices.length, matrices[0]!.rows, matrices[0]!.cols];
      const { shape } = found.info;
      if (shape.join() !== expected.join()) {
        const shapes = { actual: shapeText(shape), expected: shapeText(expected) };
        throw new GraftError('model.tensor_shape', { tensor, ...shapes });
      }
      checkpoint.unstack(
        tensor,
        matrices.map(({ module }) => `${module}.weight`),
      );
    }
  }
}
