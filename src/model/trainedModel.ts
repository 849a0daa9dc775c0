import type { PeftSaved } from '../formats/peftSaved.ts';
import type { Gpu } from '../gpu/device.ts';
import { assert, GraftError } from '../lib/errors.ts';
import { readableRows, writeRows } from './floatRows.ts';
import { FullParameters } from './fullParameters.ts';
import { LoraAdapter } from './loraAdapter.ts';
import type { DecoderSpec } from './spec.ts';
import type { Trainable } from './trainable.ts';

/**
 * The tensors of a model of which every parameter was trained, off the GPU, by their names in checkpoints; a vector is
 * one row. They are read some rows at a time, from wherever they are.
 */
export type TrainedModel = ReadonlyMap<string, PeftSaved>;

/** The values that training has come to, read back from the GPU as they are asked for. */
export function trainedModel({ gpu, params, tensors }: FullParameters): TrainedModel {
  return new Map(tensors.map(({ name, weight }) => [name, readableRows(gpu, weight(params))]));
}

/** Puts such a model on the GPU, to run in place of the decoder's own weights. */
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

/** What was trained as an adapter. Throws `train.full_no_adapter` where it is a whole model. */
export function adapterOf(trained: Trainable): LoraAdapter {
  if (trained instanceof LoraAdapter) return trained;
  throw new GraftError('train.full_no_adapter');
}
