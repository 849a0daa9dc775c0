import type { EndToken } from '../../content/data/labels/turnEnd.ts';
import type { CheckpointTensor } from '../../content/formats/checkpoint.ts';
import type { FloatDtype } from '../../content/formats/dtypes.ts';
import { decodeFloats } from '../../base/lib/floats.ts';
import { nf4Entries } from '../../content/formats/quantized/bnbWriter.ts';
import { describeMatrix, tensorsOfMatrix } from '../../content/formats/quantized/describe.ts';
import type { StoredMatrix } from '../../content/formats/quantized/types.ts';
import { tensorBytes, type TensorEntry } from '../../content/formats/safetensorsLayout.ts';
import type { Gpu } from '../gpu/device.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { floatFormat } from '../model/spec/floatFormat.ts';
import { matricesOf, type MatrixSpec } from '../model/spec/spec.ts';
import { quantizeOf } from '../model/weights/fourBits.ts';
import { updateOf } from './adapterUpdates.ts';
import { mergedBytes } from './mergedRows.ts';
import type { MatrixSource } from './matrixSource.ts';
import type { MergeJob } from './mergeJob.ts';
import { MergeWorkspace } from './mergeWorkspace.ts';
import { Nf4Bytes } from './nf4Bytes.ts';
import { outputConfig, writtenDtype } from './outputConfig.ts';
import { generationFile, planEnds } from './outputEnds.ts';
import { refusingOverflow } from './f16Overflow.ts';
import { kept, skipping, type OutputTensor } from './outputTensor.ts';
import { savedOutputs } from './savedOutputs.ts';
import { sidecarFiles } from './sidecars.ts';
import { storedTensors } from './storedTensors.ts';

/** What a merge will write; both the writer and the proof follow it. */
export interface OutputPlan {
  /** In the base's order, by the names that a decoder's spec has for them. */
  tensors: OutputTensor[];
  /** The same as files have them. */
  stored: OutputTensor[];
  totalBytes: number;
  /** Shared by the computation of its matrices; whoever has read their blocks must dispose of it. */
  workspace: MergeWorkspace;
  /** Files besides the weights; `text` replaces the base's own, null copies it byte for byte. */
  files: { name: string; text: string | null }[];
  /** End tokens that generation_config.json did not name before. */
  addedEnds: EndToken[];
}

/** The Hub's name for a model card. */
const cardFile = 'README.md';

/** A matrix of the base that is recomputed, and the tensors it is stored as. */
interface Computed {
  spec: MatrixSpec;
  stored: StoredMatrix;
}

/**
 * Plans the result of a merge. Tensors not affected by the job are copied, in the dtype chosen for floats. Throws `merge.bias_without_place`,
 * and what reading the base throws.
 */
export async function planOutput(gpu: Gpu, job: MergeJob): Promise<OutputPlan> {
  const { base } = job;
  const workspace = new MergeWorkspace(gpu);
  const owners = computedTensors(job);
  const ownDtypeOf = await writtenDtype(base);
  const dtypeOf = (stored: StoredMatrix) => job.floats ?? ownDtypeOf(stored);
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
      // A quantized matrix consists of several tensors: the first stands for all.
      if (left.delete(computed))
        tensors.push(...computedOutputs(gpu, job, computed, from, dtypeOf, workspace));
    } else if (!(await isDroppedBias(job, name, from))) {
      tensors.push(kept(job, from, name));
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
  const stored = storedTensors(base.checkpoint, tensors);
  return { tensors, stored, totalBytes, workspace, files, addedEnds: ends.added };
}

/** The recomputed matrix that each tensor of the base belongs to. */
function computedTensors(job: MergeJob): Map<string, Computed> {
  const { base, adapter, onto, quantize } = job;
  const owners = new Map<string, Computed>();
  for (const spec of matricesOf(base.spec)) {
    const { module, rows, cols, linear } = spec;
    const stored = base.matrices.get(module)!;
    const isRequantized = linear && (onto === 'dequantized' || (quantize !== null && !spec.expert));
    const changes = updateOf(base.spec, adapter, spec) !== null || isRequantized;
    if (stored.kind === 'float' && !changes) continue;
    const computed = { spec, stored };
    // From the headers again: a trivial group index is not read, but it is stored.
    const described = describeMatrix(base.checkpoint, base.quantization, module, rows, cols);
    for (const name of tensorsOfMatrix(described)) owners.set(name, computed);
  }
  return owners;
}

/** The head of a tied base with LoRA on the head: it is no longer the embedding, but computed from it. */
function untiedHead({ base, adapter }: MergeJob, owners: Map<string, Computed>): Computed[] {
  const { names, tied, vocabSize: rows, hiddenSize: cols } = base.spec;
  if (!tied || !adapter?.modules.has(names.head)) return [];
  const spec = { module: names.head, rows, cols, linear: false };
  const computed = { spec, stored: base.matrices.get(names.embedding)! };
  // Some files of tied models store the head anyway.
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
  const trained = job.onto === 'dequantized' ? { doubleQuant: job.trainedDoubleQuant } : null;
  const nf4 = quantizeOf(spec, trained);
  const source: MatrixSource = { checkpoint, quantization, module, rows, cols, stored, nf4 };
  const format = floatFormat({ name: tensor, dtype });
  const matrix = { source, module: updateOf(job.base.spec, job.adapter, spec), format };
  const output = (entry: TensorEntry, blocks: OutputTensor['blocks']): OutputTensor => ({
    entry: { ...entry, byteLength: tensorBytes(entry) },
    from,
    matrix,
    trained: null,
    converted: null,
    blocks,
  });
  // transformers has no 4 bits for experts, which are no linear layers of their own.
  if (!job.quantize || !linear || spec.expert) {
    return [
      output({ name: tensor, dtype, shape: [rows, cols] }, (start) =>
        refusingOverflow(mergedBytes(gpu, matrix, undefined, start, workspace), dtype, tensor),
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
 * Whether a tensor is a bias of zeros that only the quantized format has: GPTQ writes one for every layer. The plain
 * format has none. Throws `merge.bias_without_place` if it is not zero.
 */
async function isDroppedBias({ base }: MergeJob, name: string, { info }: CheckpointTensor): Promise<boolean> {
  const module = name.replace(/\.bias$/, '');
  const stored = module === name ? undefined : base.matrices.get(module);
  if (stored === undefined || stored.kind === 'float') return false;
  const { blocks } = base.spec.names;
  const path = module.startsWith(`${blocks}.`) ? module.slice(blocks.length + 1).replace(/^\d+\./, '') : null;
  if (base.spec.linears.some((linear) => linear.path === path && linear.bias)) return false;
  const bytes = await base.checkpoint.read(name);
  // The sign of a zero does not matter.
  const isZero = decodeFloats(bytes, info.dtype, info.name).every((value) => value === 0);
  if (isZero) return true;
  throw new GraftError('merge.bias_without_place', { tensor: info.name });
}
