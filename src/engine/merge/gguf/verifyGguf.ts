import { decodeFloats, floatSize } from '../../../base/lib/floats.ts';
import type { OutputTensor } from '../outputTensor.ts';
import { dequantizeBlocks } from '../../../content/formats/gguf/dequantize.ts';
import { openGguf, type GgufFile } from '../../../content/formats/gguf/ggufFile.ts';
import type { WrittenType } from '../../../content/formats/gguf/quantize.ts';
import { headsOf, unpermutedRow } from '../../../content/formats/gguf/architectures.ts';
import { sameBytes } from '../../../base/storage/pieceJournal.ts';
import type { Gpu } from '../../gpu/device.ts';
import { exactRows } from '../exactRows.ts';
import { proofFailed } from '../proofFailed.ts';
import type { GgufPart } from '../../../content/formats/gguf/ggufSplit.ts';
import { referenceRows } from '../referenceRows.ts';
import { stoppableFiles, stoppableFolder } from '../stoppable.ts';
import type { WrittenMerge } from '../writtenMerge.ts';
import { architectureOf, planGguf, type GgufJob } from './ggufJob.ts';
import type { GgufTensorPlan } from './ggufTensor.ts';

/** What the proof measured. It throws rather than return when something does not hold. */
export interface GgufProof {
  tensors: number;
  bytes: number;
  /** Tensors by type. */
  types: Record<string, number>;
  /** Tensors whose type is a fallback for their width. */
  fallbacks: number;
  /** The largest root mean square error of the rows that were computed again, relative to the rows' own. */
  largestError: number;
}

/** Rows of each computed matrix that are computed in f64. */
const PROOF_ROWS = 4;

/** The largest relative error that rounding to a type explains, of a row of ordinary weights and of the worst one. */
const LIMITS: Readonly<Record<WrittenType, number>> = {
  F32: 1e-5,
  F16: 1e-3,
  BF16: 5e-3,
  Q8_0: 0.05,
  Q6_K: 0.15,
  Q5_0: 0.3,
  Q5_1: 0.3,
  Q5_K: 0.3,
  Q4_0: 0.5,
  Q4_K: 0.5,
};

/**
 * Proves a written file, or its parts: each opens as GGUF, its header is the one planned, every byte is what was computed (by
 * its digest), and some rows of each matrix, unpacked, are W + scale · B · A of the base, in f64 on the CPU, as near as their type comes.
 * Throws `merge.proof_failed`, `merge.cancelled`.
 */
export async function verifyGguf(
  gpu: Gpu,
  job: GgufJob,
  merge: WrittenMerge,
  { file, maxFileBytes }: { file: string; maxFileBytes?: number | undefined },
  onProgress?: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<GgufProof> {
  const folder = stoppableFolder(merge.folder, signal);
  const base = stoppableFiles(job.merge.base, signal);
  const { tensors, parts, totalBytes, dataBytes, output } = await planGguf(
    gpu,
    { ...job, merge: { ...job.merge, base } },
    file,
    maxFileBytes,
  );
  output.workspace.dispose();
  try {
    await merge.compareDigests(folder, (done) => onProgress?.(done, dataBytes));
    let largestError = 0;
    for (const part of parts) {
      const gguf = await openGguf(await folder.open(part.file));
      try {
        await compareHeader(gguf, part);
        for (const tensor of tensors.slice(part.begin, part.end)) {
          for (const index of tensor.from.keys()) {
            const error = await errorOf(job, tensor, index, gguf);
            if (error !== null) largestError = Math.max(largestError, error);
          }
        }
      } finally {
        await gguf.source.release?.();
      }
    }
    const types: Record<string, number> = {};
    for (const { entry } of tensors) types[entry.type] = (types[entry.type] ?? 0) + 1;
    const fallbacks = tensors.filter(({ isFallback }) => isFallback).length;
    return { tensors: tensors.length, bytes: totalBytes, types, fallbacks, largestError };
  } finally {
    await base.checkpoint.release();
  }
}

/** Throws where a written file has another header or size than was planned. */
async function compareHeader({ source }: GgufFile, { file, layout }: GgufPart): Promise<void> {
  const header = await source.read(0, layout.header.byteLength);
  if (!sameBytes(header, layout.header)) throw proofFailed(`the header of “${file}” differs`);
  if (source.size !== layout.totalBytes) throw proofFailed(`the file “${file}” changed its size`);
}

/** The relative error of some rows of a computed matrix, of an expert if several; null for a tensor that is only copied. */
async function errorOf(
  job: GgufJob,
  { entry, from: parts }: GgufTensorPlan,
  index: number,
  gguf: GgufFile,
): Promise<number | null> {
  const from = parts[index]!;
  // Vectors are copied; what was trained in full is in no file to compare with.
  if (from.trained || entry.shape.length < 2) return null;
  const [rows = 1, cols = 1] = entry.shape.slice(-2);
  const { spec } = job.merge.base;
  const heads = architectureOf(spec).permutesHeads ? headsOf(from.entry.name, spec) : null;
  const stride = Math.max(1, Math.floor(rows / PROOF_ROWS));
  const tensor = gguf.tensors.get(entry.name)!;
  const rowBytes = (tensor.end - tensor.begin) / parts.length / rows;
  const begin = index * rows * rowBytes;
  let largest = 0;
  for (let at = 0; at < rows; at += stride) {
    const row = heads === null ? at : baseRow(at, rows / heads);
    const values = await expectedRow(from, row, cols);
    const written = dequantizeBlocks(
      await gguf.readRange(tensor, begin + at * rowBytes, rowBytes),
      tensor.type,
    );
    const error = relativeError(values, written);
    if (!(error <= LIMITS[entry.type as WrittenType]))
      throw proofFailed(
        `row ${row} of “${entry.name.replace(/\.weight$/, '')}.weight” is not W + scale · B · A`,
      );
    largest = Math.max(largest, error);
  }
  return largest;
}

/** A row of the result in f64, from the base's files in plain loops. */
async function expectedRow({ matrix, from }: OutputTensor, row: number, cols: number): Promise<Float64Array> {
  if (matrix) {
    const [before] = await referenceRows(matrix.source, [row], null);
    return exactRows(before!, matrix.module, cols, row).values;
  }
  const { dtype, name } = from.info;
  const bytes = cols * floatSize(dtype, name);
  return Float64Array.from(decodeFloats(await from.file.readRange(name, row * bytes, bytes), dtype, name));
}

/** The row of a checkpoint that stands at a row of the file. */
function baseRow(row: number, headRows: number): number {
  const within = row % headRows;
  return row - within + unpermutedRow(within, headRows);
}

function relativeError(exact: Float64Array, written: Float32Array): number {
  let [difference, size] = [0, 0];
  exact.forEach((value, i) => {
    difference += (value - written[i]!) ** 2;
    size += value ** 2;
  });
  return size === 0 ? (difference === 0 ? 0 : Infinity) : Math.sqrt(difference / size);
}
