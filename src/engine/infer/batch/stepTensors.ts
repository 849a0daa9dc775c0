import type { MicroBatch } from '../../../content/data/tokens/microBatch.ts';
import { upload } from '../../gpu/transfer.ts';
import { uploadBatch, type BatchTensors } from '../../model/decoder/batchTensors.ts';
import type { Decoder } from '../../model/decoder/decoder.ts';
import type { PooledRows } from '../../model/decoder/mixers/mixer.ts';
import type { StepPart } from './schedule.ts';

/** Uploads what a step runs: its tokens as packed segments, and where they belong in the pools. */
export function uploadStep(
  decoder: Decoder,
  parts: readonly StepPart[],
): { batch: BatchTensors; rows: PooledRows } {
  const { gpu, workspace } = decoder;
  const batch = uploadBatch(gpu, workspace, packed(parts));
  const { keyRows, spans, segments, segmentOf } = placesOf(parts);
  const put = (name: string, values: Uint32Array, shape: readonly number[]) => {
    const tensor = workspace.get(`step ${name}`, 'u32', shape);
    upload(gpu, tensor, values);
    return tensor;
  };
  const tokens = batch.rows;
  return {
    batch,
    rows: {
      keyRows: put('key rows', keyRows, [tokens]),
      spans: put('spans', spans, [tokens, 4]),
      segments: put('segments', segments, [parts.length, 4]),
      segmentOf: put('segment of', segmentOf, [tokens]),
      count: parts.length,
    },
  };
}

/** The tokens; the targets are those whose logits choose a next token. */
function packed(parts: readonly StepPart[]): MicroBatch {
  const tokens = parts.flatMap(({ ids }) => ids);
  const count = tokens.length;
  const [positions, segmentStart, segmentEnd] = [0, 0, 0].map(() => new Uint32Array(count)) as [
    Uint32Array<ArrayBuffer>,
    Uint32Array<ArrayBuffer>,
    Uint32Array<ArrayBuffer>,
  ];
  const targetRows: number[] = [];
  let first = 0;
  for (const { ids, position, request } of parts) {
    const end = first + ids.length;
    for (let t = first; t < end; t++) positions[t] = position + t - first;
    segmentStart.fill(first, first, end);
    segmentEnd.fill(end, first, end);
    if (request !== null) targetRows.push(end - 1);
    first = end;
  }
  return {
    tokens: Uint32Array.from(tokens),
    positions,
    segmentStart,
    segmentEnd,
    targetRows: Uint32Array.from(targetRows),
    targetIds: new Uint32Array(targetRows.length),
    targetWeights: null,
    rows: parts.length,
  };
}

/** As in `PooledRows`. */
function placesOf(parts: readonly StepPart[]) {
  const count = parts.reduce((sum, { ids }) => sum + ids.length, 0);
  const keyRows = new Uint32Array(count);
  const spans = new Uint32Array(4 * count);
  const segments = new Uint32Array(4 * parts.length);
  const segmentOf = new Uint32Array(count);
  let t = 0;
  parts.forEach(({ ids, position, row, shared, own, from, to }, part) => {
    segments.set([t, ids.length, from, to], 4 * part);
    for (let i = 0; i < ids.length; i++, t++) {
      keyRows[t] = row + i;
      spans.set([shared.start, shared.rows, own, position + i + 1], 4 * t);
      segmentOf[t] = part;
    }
  });
  return { keyRows, spans, segments, segmentOf };
}
