import type { Gpu } from '../../gpu/device.ts';
import { assert } from '../../../base/lib/errors.ts';
import { writeRows } from '../weights/floatRows.ts';
import { FullParameters } from './fullParameters.ts';
import type { DecoderSpec } from '../spec/spec.ts';
import type { TrainedModel } from './trainable.ts';

/** Puts a trained model on the GPU, to run in place of the decoder's own weights. */
export async function loadTrainedModel(
  gpu: Gpu,
  spec: DecoderSpec,
  model: TrainedModel,
): Promise<FullParameters> {
  const trained = new FullParameters(gpu, spec);
  try {
    for (const { name, weight } of trained.tensors) {
      const values = model.get(name);
      assert(values, `the trained model has no tensor ${name}`);
      await writeRows(gpu, weight(trained.params), values);
    }
    return trained;
  } catch (error) {
    trained.dispose();
    throw error;
  }
}
