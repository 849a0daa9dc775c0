import type { Recipe } from '../../base/config/recipe.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { decodeFloats, floatSize } from '../../base/lib/floats.ts';
import { bytesSource } from '../../base/storage/byteSource.ts';
import { openCheckpoint, type Checkpoint } from '../../content/formats/checkpoint.ts';
import type { PeftAdapter } from '../../content/formats/peft.ts';
import { openSafetensors } from '../../content/formats/safetensors.ts';
import { bestFile } from '../../content/job/jobFile.ts';
import type { JobSource } from '../../content/job/jobFolder.ts';
import { folderIn } from '../../content/job/readJob.ts';
import type { CheckpointFile } from '../../content/runs/types.ts';
import type { Gpu } from '../../engine/gpu/device.ts';
import { byteLengthOf } from '../../engine/gpu/tensor.ts';
import type { DecoderSpec } from '../../engine/model/spec/spec.ts';
import { FullParameters } from '../../engine/model/trained/fullParameters.ts';
import { loadAdapter } from '../../engine/model/trained/adapterFiles.ts';
import { LoraAdapter } from '../../engine/model/trained/loraAdapter.ts';
import type { Trainable } from '../../engine/model/trained/trainable.ts';
import { writeRows } from '../../engine/model/weights/floatRows.ts';
import { allFinite, ProvenReader } from '../../engine/train/provenReader.ts';
import { planAdapter } from '../../engine/train/startAdapter.ts';
import { namedWeights } from './trainedTensors.ts';

/** The parameters that a run ends with, where that is not the last step's: stored, those of now, or none. */
export type NamedBest = 'stored' | 'now' | null;

/** Tensors of a job by name: of one file, or of a model's. */
type NamedTensors = Pick<Checkpoint, 'tensors' | 'readRange'>;

/**
 * The weights of a job, or of its result, and AdamW's moments as files of a checkpoint.
 * @param initial the adapter that the run began with; null for a fresh one
 * @param folder in the job: `result`, or nothing for what was exported
 * @param best where the parameters at the lowest evaluation loss are: in a file of their own, or the weights themselves. Throws `job.result`, `formats.*`.
 */
export async function readTrained(
  gpu: Gpu,
  spec: DecoderSpec,
  {
    recipe,
    initial,
    source,
    folder,
    best,
  }: {
    recipe: Recipe;
    initial: PeftAdapter | null;
    source: JobSource;
    folder: string | null;
    best: NamedBest;
  },
): Promise<{ files: CheckpointFile[]; updates: number }> {
  const at = (path: string): string => (folder === null ? path : `${folder}/${path}`);
  const weightsPath = at(recipe.method === 'full' ? 'model' : 'adapter/adapter_model.safetensors');
  const momentsPath = at('optimizer.safetensors');
  const weights =
    recipe.method === 'full'
      ? await openCheckpoint(await folderIn(source, weightsPath))
      : await oneFile(source, weightsPath);
  const moments = await oneFile(source, momentsPath);
  const trained =
    recipe.method === 'full'
      ? new FullParameters(gpu, spec, false)
      : initial
        ? await loadAdapter(gpu, spec, initial)
        : new LoraAdapter(gpu, ...planAdapter(spec, recipe));
  const reader = new ProvenReader(gpu, Math.max(...trained.params.map(byteLengthOf)));
  try {
    const files: CheckpointFile[] = [];
    const parts = [
      { part: 'parameters', file: weightsPath, from: weights, prefix: '' },
      { part: 'm', file: momentsPath, from: moments, prefix: 'm.' },
      { part: 'v', file: momentsPath, from: moments, prefix: 'v.' },
      ...(best === 'now' ? [{ part: 'best', file: weightsPath, from: weights, prefix: '' }] : []),
      ...(best === 'stored'
        ? [{ part: 'best', file: bestFile, from: await oneFile(source, bestFile), prefix: '' }]
        : []),
    ];
    for (const { part, file, from, prefix } of parts) {
      await fill(trained, from, { file, prefix });
      for (const [i, tensor] of trained.params.entries()) {
        const bytes = await reader.readAll(tensor);
        if (tensor.type === 'f32' && !allFinite(bytes))
          throw new GraftError('job.result', { file, detail: 'it has numbers that are not finite' });
        files.push({ ...bytesSource(`${part}.${i}`, bytes), forResume: part !== 'parameters' });
      }
    }
    const step = tensorOf(moments, 'step', momentsPath);
    if (step.size !== 1)
      throw new GraftError('job.result', {
        file: momentsPath,
        detail: `“step” has ${step.size} numbers, not 1`,
      });
    return { files, updates: (await step.read(0, 1))[0]! };
  } finally {
    reader.dispose();
    trained.dispose();
  }
}

async function oneFile(source: JobSource, path: string): Promise<NamedTensors> {
  const file = await openSafetensors(await source.open(path));
  const entries = [...file.tensors].map(([name, info]) => [name, { file, info }] as const);
  return { tensors: new Map(entries), readRange: (name, ...range) => file.readRange(name, ...range) };
}

/** Overwrites everything trained with the tensors of its names. Throws `job.result` where one is missing or of another size. */
async function fill(
  trained: Trainable,
  from: NamedTensors,
  { file, prefix }: { file: string; prefix: string },
): Promise<void> {
  for (const [name, weight] of namedWeights(trained)) {
    const found = tensorOf(from, prefix + name, file);
    const expected = weight.rows * weight.cols;
    if (found.size !== expected)
      throw new GraftError('job.result', {
        file,
        detail: `“${prefix + name}” has ${found.size} numbers, not ${expected}`,
      });
    await writeRows(trained.gpu, weight, {
      ...weight,
      read: (row, count) => found.read(row * weight.cols, count * weight.cols),
    });
  }
}

function tensorOf(from: NamedTensors, name: string, file: string) {
  const found = from.tensors.get(name);
  if (!found) throw new GraftError('job.result', { file, detail: `it has no tensor “${name}”` });
  const { dtype, shape } = found.info;
  const width = floatSize(dtype, name);
  return {
    size: shape.reduce((a, b) => a * b, 1),
    read: async (start: number, count: number) =>
      decodeFloats(await from.readRange(name, start * width, count * width), dtype, name),
  };
}
