import { GraftError } from '../../base/lib/errors.ts';
import { savedBytes, type PeftSaved } from '../../content/formats/peftSaved.ts';
import { byCodePoint } from '../../content/formats/pythonJson.ts';
import { SafetensorsWriter } from '../../content/formats/safetensorsWriter.ts';
import type { JobSink } from '../../content/job/jobFolder.ts';
import type { Weight } from '../../engine/kernels/weight.ts';
import type { ModelFiles } from '../../engine/model/spec/openModel.ts';
import type { Trainable } from '../../engine/model/trained/trainable.ts';
import { readableRows } from '../../engine/model/weights/floatRows.ts';

/** The matrices of something trained by the names they have in its file. Throws `job.tied_head`. */
export function namedWeights(trained: Trainable): Map<string, Weight> {
  const named = new Map<string, Weight>();
  for (const { name, weight, tiesHead } of trained.named()) {
    if (tiesHead !== undefined) throw new GraftError('job.tied_head', { module: tiesHead });
    named.set(name, weight);
  }
  return named;
}

/** The same as they are read back. @param prefix of each name */
export function namedRows(trained: Trainable, prefix = ''): [string, PeftSaved][] {
  return [...namedWeights(trained)].map(([name, weight]) => [
    prefix + name,
    readableRows(trained.gpu, weight),
  ]);
}

/** The shapes of a model's tensors by name: vectors and convolutions are no matrices. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/** Those of its checkpoint. */
export function shapesOf({ checkpoint }: ModelFiles): Shapes {
  return new Map([...checkpoint.tensors].map(([name, { info }]) => [name, info.shape]));
}

/**
 * Writes matrices as a safetensors file in F32, sorted by name.
 * @param shapes of those that are not matrices
 */
export async function writeTensors(
  sink: JobSink,
  path: string,
  tensors: readonly [string, PeftSaved][],
  shapes: Shapes,
): Promise<void> {
  const sorted = [...tensors].sort(([a], [b]) => byCodePoint(a, b));
  const entries = sorted.map(([name, { rows, cols }]) => ({
    name,
    dtype: 'F32',
    shape: [...(shapes.get(name.replace(/^[mv]\./, '')) ?? [rows, cols])],
  }));
  const writer = new SafetensorsWriter(await sink.create(path), entries, { format: 'pt' }, { file: path });
  try {
    for (const [name, matrix] of sorted)
      for await (const bytes of savedBytes(matrix, 'F32')) await writer.write(name, bytes);
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
