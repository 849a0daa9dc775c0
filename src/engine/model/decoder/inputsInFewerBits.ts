import type { Commands } from '../../gpu/commands.ts';
import { elementsOf, type Tensor } from '../../gpu/tensor.ts';
import { dequantize } from '../../kernels/dequantize.ts';
import { quantizeInt8 } from '../../kernels/quantizeInt8.ts';
import { roundToF16 } from '../../kernels/roundToF16.ts';
import { INT8_BLOCK, type WeightChunk } from '../../kernels/weight.ts';
import type { BlockInputs, KeptInputs } from './blockInputs.ts';
import type { SpillFile } from './spillFile.ts';
import type { Workspace } from './workspace.ts';

/** Bytes that a part of a buffer begins at a multiple of. */
const ALIGNMENT = 256;

/** Where inputs are kept, and what fills it. */
interface KeptContext {
  commands: Commands;
  workspace: Workspace;
  /** Null keeps them on the GPU. */
  spill: SpillFile | null;
}

/**
 * One f32 tensor passes through all blocks; the input of each is kept in f16, or in 8 bits with a scale for every 64
 * columns. The forward pass computes with the exact input, the backward pass of a block with what was kept.
 * @param layers number of blocks
 * @param shape [T, d]
 * @param name distinguishes its tensors from those of other micro-batches
 */
export function inputsInFewerBits(
  kept: Exclude<KeptInputs, 'f32'>,
  { commands, workspace, spill }: KeptContext,
  layers: number,
  shape: readonly [number, number],
  name: string,
): BlockInputs {
  const stream = workspace.get(`hidden${name}`, 'f32', shape);
  const room = (label: string) => roomFor(kept, workspace, shape, label);
  const rooms = spill
    ? null
    : Array.from({ length: layers }, (_, layer) => room(`hidden ${layer} in fewer bits${name}`));
  // On its way to disk or back, in one buffer for all, which grows for the longest.
  const roomOf = (layer: number) => rooms?.[layer] ?? room('block input in fewer bits');
  const key = (layer: number) => `${layer}${name}`;
  return {
    last: stream,
    exact: false,
    before: () => stream,
    async keep(layer) {
      const { whole, chunk } = roomOf(layer);
      const { data, scales } = chunk;
      if (scales) {
        const [rows, cols] = shape;
        quantizeInt8(commands, { source: stream, format: 'f32', rows, cols, codes: data, scales });
      } else roundToF16(commands, { x: stream, y: data });
      if (!spill) return;
      commands.submit();
      await spill.save(key(layer), whole);
    },
    async take(layer) {
      const { whole, chunk } = roomOf(layer);
      if (spill) await spill.load(key(layer), whole);
      // The head is done with what the last block wrote.
      dequantize(commands, { chunk, row: 0, rows: shape[0], out: stream });
      return stream;
    },
    prefetch: (layer) => spill?.prefetch(key(layer)),
  };
}

/** A buffer for an input [rows, cols], and the input in it as a matrix. */
function roomFor(
  kept: Exclude<KeptInputs, 'f32'>,
  workspace: Workspace,
  [rows, cols]: readonly [number, number],
  label: string,
): { whole: Tensor; chunk: WeightChunk } {
  const place = { rowStart: 0, rows, cols };
  if (kept === 'f16') {
    const whole = workspace.get(label, 'u32', [Math.ceil((rows * cols) / 2)], 'kept');
    return { whole, chunk: { ...place, encoding: { format: 'f16' }, data: whole } };
  }
  const codes = [rows, Math.ceil(cols / 4)];
  const scales = [rows, Math.ceil(cols / INT8_BLOCK)];
  // In one buffer, which goes to disk as one.
  const start = Math.ceil((4 * elementsOf({ shape: codes })) / ALIGNMENT) * ALIGNMENT;
  const whole = workspace.get(label, 'u32', [start / 4 + elementsOf({ shape: scales })], 'kept');
  return {
    whole,
    chunk: {
      ...place,
      encoding: { format: 'int8' },
      data: { ...whole, shape: codes },
      scales: { ...whole, type: 'f32', offset: whole.offset + start, shape: scales },
    },
  };
}
