import type { EndToken } from '../data/turnEnd.ts';
import type { CheckpointTensor } from '../formats/checkpoint.ts';
import type { FloatDtype } from '../formats/dtypes.ts';
import { decodeFloats } from '../formats/floats.ts';
import { nf4Entries } from '../formats/quantized/bnbWriter.ts';
import { describeMatrix, tensorsOfMatrix } from '../formats/quantized/describe.ts';
import type { StoredMatrix } from '../formats/quantized/types.ts';
import { byteLengthOf, type TensorEntry } from '../formats/safetensorsLayout.ts';
import type { Gpu } from '../gpu/device.ts';
import { GraftError } from '../lib/errors.ts';
import { floatFormat } from '../model/floatFormat.ts';
import { matricesOf, type MatrixSpec } from '../model/spec.ts';
import { mergedBytes } from './mergedRows.ts';
import type { MatrixSource } from './matrixSource.ts';
import type { MergeJob } from './mergeJob.ts';
import { MergeWorkspace } from './mergeWorkspace.ts';
import { Nf4Bytes } from './nf4Bytes.ts';
import { outputConfig, writtenDtype } from './outputConfig.ts';
import { generationFile, planEnds } from './outputEnds.ts';
import { copied, skipping, type OutputTensor } from './outputTensor.ts';
import { savedOutputs } from './savedOutputs.ts';
import { sidecarFiles } from './sidecars.ts';

/** What a merge will write, before it does: the writer and the proof both go by it. */
export interface OutputPlan {
  /** In the base's order. */
  tensors: OutputTensor[];
  totalBytes: number;
  /** What its matrices are computed with: to be disposed of by who has read blocks of them. */
  workspace: MergeWorkspace;
  /** Files besides the weights; `text` in place of the base's own, null for a copy to the byte. */
  files: { name: string; text: string | null }[];
  /** Ends that generation_config.json did not name before. */
  addedEnds: EndToken[];
}

/** The Hub's name for a model card. */
const cardFile = 'README.md';

/** A matrix of the base that is computed anew, and what it is stored as. */
interface Computed {
  spec: MatrixSpec;
  stored: StoredMatrix;
}

/**
 * Plans the result of a merge. Tensors that no part of the job touches are copied as they are.
 * Throws `merge.bias_without_place`, and what reading the base throws.
 */
export async function planOutput(gpu: Gpu, job: MergeJob): Promise<OutputPlan> {
  const { base } = job;
  const workspace = new MergeWorkspace(gpu);
  const owners = computedTensors(job);
  const dtypeOf = await writtenDtype(base);
  const saved = savedOutputs(job);
  const left = new Set([...owners.values(), ...untiedHead(job, owners)]);
  const tensors: OutputTensor[] = [];
  for (const [name, from] of base.checkpoint.tensors) {
    const computed = owners.get(name);
    const own = saved.get(name);
    if (own) {
      tensors.push(own);
      saved.delete(name);
    } else if (computed) {
      // Quantized matrices are several tensors: the first stands for all.
      if (left.delete(computed))
        tensors.push(...computedOutputs(gpu, job, computed, from, dtypeOf, workspace));
    } else if (!(await isDroppedBias(job, from))) {
      tensors.push(copied(from, name));
    }
  }
  // A head that the base does not store, because it is the embedding.
  tensors.push(...saved.values());
  const { embedding } = base.spec.names;
  for (const computed of left) {
    const from = base.checkpoint.get(`${embedding}.weight`);
    tensors.push(...computedOutputs(gpu, job, computed, from, dtypeOf, workspace));
  }
  const config = await outputConfig(job, tensors);
  const names = await sidecarFiles(base.folder, base.quantization !== null);
  const ends = await planEnds(base.folder, job.ends);
  const replaced = new Map([
    ['config.json', config],
    [generationFile, ends.text],
    [cardFile, job.card],
  ]);
  for (const name of [generationFile, cardFile]) {
    if (typeof replaced.get(name) === 'string' && !names.includes(name)) names.push(name);
  }
  const files = names.map((name) => ({ name, text: replaced.get(name) ?? null }));
  const totalBytes = tensors.reduce((sum, { entry }) => sum + entry.byteLength, 0);
  return { tensors, totalBytes, workspace, files, addedEnds: ends.added };
}

/** What each tensor of the base belongs to, where it is computed anew. */
function computedTensors(job: MergeJob): Map<string, Computed> {
  const { base, adapter, onto, quantize } = job;
  const owners = new Map<string, Computed>();
  for (const spec of matricesOf(base.spec)) {
    const { module, rows, cols, linear } = spec;
    const stored = base.matrices.get(module)!;
    const isRequantized = linear && (onto === 'dequantized' || quantize !== null);
    const changes = adapter?.modules.has(module) || isRequantized;
    if (stored.kind === 'float' && !changes) continue;
    const computed = { spec, stored };
    // By the headers again: a group index in order is not read, yet it is there.
    const described = describeMatrix(base.checkpoint, base.quantization, module, rows, cols);
    for (const name of tensorsOfMatrix(described)) owners.set(name, computed);
  }
  return owners;
}

/** The head of a tied base that has LoRA, so that it is the embedding no longer: computed from that. */
function untiedHead({ base, adapter }: MergeJob, owners: Map<string, Computed>): Computed[] {
  const { names, tied, vocabSize: rows, hiddenSize: cols } = base.spec;
  if (!tied || !adapter?.modules.has(names.head)) return [];
  const spec = { module: names.head, rows, cols, linear: false };
  const computed = { spec, stored: base.matrices.get(names.embedding)! };
  // Some files of tied models store the head all the same.
  if (base.checkpoint.tensors.has(`${names.head}.weight`)) owners.set(`${names.head}.weight`, computed);
  return [computed];
}

function computedOutputs(
  gpu: Gpu,
  job: MergeJob,
  { spec, stored }: Computed,
  from: CheckpointTensor,
  dtypeOf: (stored: StoredMatrix) => FloatDtype,
  workspace: MergeWorkspace,
): OutputTensor[] {
  const { module, rows, cols, linear } = spec;
  const { checkpoint, quantization } = job.base;
  const tensor = `${module}.weight`;
  const dtype = dtypeOf(stored);
  const nf4 = job.onto === 'dequantized' && linear ? { doubleQuant: job.trainedDoubleQuant } : null;
  const source: MatrixSource = { checkpoint, quantization, module, rows, cols, stored, nf4 };
  const format = floatFormat({ name: tensor, dtype });
  const matrix = { source, module: job.adapter?.modules.get(module) ?? null, format };
  const output = (entry: TensorEntry, blocks: OutputTensor['blocks']): OutputTensor => ({
    entry: { ...entry, byteLength: byteLengthOf(entry) },
    from,
    matrix,
    trained: null,
    blocks,
  });
  if (!job.quantize || !linear) {
    return [
      output({ name: tensor, dtype, shape: [rows, cols] }, (start) =>
        mergedBytes(gpu, matrix, undefined, start, workspace),
      ),
    ];
  }
  const shape = { tensor, rows, cols, dtype, nested: job.quantize.doubleQuant };
  const bytes = new Nf4Bytes(gpu, matrix, shape);
  return nf4Entries(shape).map((entry) =>
    output(entry, (start) => skipping(bytes.blocks(entry.name), start)),
  );
}

/**
 * Whether a tensor is a bias of zeros that only the quantized format has: GPTQ writes one for every layer. Without
 * the format it has no place. Throws `merge.bias_without_place` where it is not zero.
 */
async function isDroppedBias({ base }: MergeJob, { file, info }: CheckpointTensor): Promise<boolean> {
  const module = info.name.replace(/\.bias$/, '');
  const stored = module === info.name ? undefined : base.matrices.get(module);
  if (stored === undefined || stored.kind === 'float') return false;
  const { blocks } = base.spec.names;
  const path = module.startsWith(`${blocks}.`) ? module.slice(blocks.length + 1).replace(/^\d+\./, '') : null;
  if (base.spec.linears.some((linear) => linear.path === path && linear.bias)) return false;
  const bytes = await file.read(info.name);
  // The sign of a zero is not a value.
  const isZero = decodeFloats(bytes, info.dtype, info.name).every((value) => value === 0);
  if (isZero) return true;
  throw new GraftError('merge.bias_without_place', { tensor: info.name });
}
