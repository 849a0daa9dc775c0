import type { Decoder } from '../decoder/decoder.ts';
import type { ParameterBuffers } from '../decoder/parameters.ts';
import type { VocabularyRole } from '../weights/vocabulary.ts';
import type { LoraAdapter } from './loraAdapter.ts';
import type { TrainedMatrix } from './trainedMatrix.ts';

/** Lets the matrices that an adapter trains in full begin with the model's own values. */
export async function copyModelValues(decoder: Decoder, adapter: LoraAdapter): Promise<void> {
  for (const matrix of adapter.saved) {
    await copyVocabulary(decoder, matrix.spec.role, matrix, adapter.params);
  }
}

/** Lets a trained embedding or head begin with the model's own values, part by part. */
export async function copyVocabulary(
  { weights, commands }: Decoder,
  role: VocabularyRole,
  matrix: TrainedMatrix,
  params: ParameterBuffers,
): Promise<void> {
  const frozen = await weights.vocabulary(role);
  for (let i = 0; i < frozen.count; i++) {
    matrix.copyFrom(commands, await frozen.part(i), params);
    commands.submit();
    frozen.release(i);
  }
}
