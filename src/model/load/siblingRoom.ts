import type { StoredMatrix } from '../../formats/quantized/types.ts';
import { slice, type ElementType, type Tensor } from '../../gpu/tensor.ts';
import { NF4_BLOCK } from '../../kernels/quantize.ts';
import { CODES_PER_WORD, type Encoding, type FloatFormat, type Weight } from '../../kernels/weight.ts';
import { floatFormat } from '../floatFormat.ts';
import type { WeightStorage } from '../weightLoader.ts';
import { int4Encoding } from './int4Matrix.ts';
import type { LoadContext } from './loadContext.ts';

/** Where a matrix goes that lies in a tensor together with others: its part of the numbers, and of their scales. */
export interface MatrixRoom {
  data: Tensor;
  scales: Tensor | null;
}

/** A matrix [rows, cols] that may be joined with others. */
export interface Sibling {
  stored: StoredMatrix;
  rows: number;
  cols: number;
}

/** What a matrix takes of a tensor. */
interface Extent {
  type: ElementType;
  elements: number;
}

interface Layout {
  encoding: Encoding;
  data: Extent;
  scales: Extent | null;
}

/** Bytes that bindings begin at multiples of. */
const ALIGNMENT = 256;

/**
 * Room for matrices with the same inputs one below the other, so that they are one matrix too: each is brought to its
 * part, and one product makes the outputs of all. Null where that cannot be: other encodings, scales that are codes
 * themselves (their offset is a matrix's own), groups out of order, parts that no binding could begin at, or more than
 * a binding holds.
 */
export function makeRooms(
  context: LoadContext,
  siblings: readonly Sibling[],
  storage: WeightStorage,
): { rooms: MatrixRoom[]; joined: Weight } | null {
  const layouts = siblings.map((sibling) => layoutOf(sibling, storage));
  const [first] = layouts;
  if (siblings.length < 2 || !first || !layouts.every((layout) => layout !== null)) return null;
  const key = JSON.stringify(first.encoding);
  if (!layouts.every(({ encoding }) => JSON.stringify(encoding) === key)) return null;
  const limit = context.gpu.maxBinding;
  const label = labelOf(siblings[0]!.stored);
  const dataPlan = together(layouts.map(({ data }) => data));
  const scalesPlan = first.scales && together(layouts.map(({ scales }) => scales!));
  if (!dataPlan || dataPlan.bytes > limit || (first.scales && !scalesPlan)) return null;
  // A matrix of more than half a binding may come in two chunks, whose rows are multiples of something.
  if (layouts.some((layout) => 8 * layout.data.elements > limit)) return null;
  const data = context.tensor(first.data.type, [dataPlan.elements], `${label} and siblings`);
  const scales =
    first.scales && scalesPlan
      ? context.tensor(first.scales.type, [scalesPlan.elements], `${label} and siblings, scales`)
      : null;
  const rooms = layouts.map((layout, i) => ({
    data: slice(data, dataPlan.starts[i]!, [layout.data.elements]),
    scales: scales && slice(scales, scalesPlan!.starts[i]!, [layout.scales!.elements]),
  }));
  const rows = siblings.reduce((sum, sibling) => sum + sibling.rows, 0);
  const { cols } = siblings[0]!;
  const chunk = { rowStart: 0, rows, cols, encoding: first.encoding, data, ...(scales && { scales }) };
  return { rooms, joined: { rows, cols, chunks: [chunk] } };
}

/** Where each begins when one follows the other; null where a binding could not begin there. */
function together(extents: readonly Extent[]): { starts: number[]; elements: number; bytes: number } | null {
  let elements = 0;
  const starts = extents.map((extent) => {
    elements += extent.elements;
    return elements - extent.elements;
  });
  const aligned = starts.every((start) => (4 * start) % ALIGNMENT === 0);
  return aligned ? { starts, elements, bytes: 4 * elements } : null;
}

/** How a matrix lies on the GPU in one chunk; null where its place cannot be followed by another matrix. */
function layoutOf({ stored, rows, cols }: Sibling, { halve, quantize }: WeightStorage): Layout | null {
  const codes: Extent = { type: 'u32', elements: rows * Math.ceil(cols / CODES_PER_WORD) };
  const blocks = (size: number): Extent | null =>
    (rows * cols) % size === 0 ? { type: 'f32', elements: (rows * cols) / size } : null;
  if (stored.kind === 'float') {
    if (quantize?.doubleQuant) return null;
    if (quantize) {
      const scales = blocks(NF4_BLOCK);
      return scales && { encoding: nf4, data: codes, scales };
    }
    const format = floatFormat({ name: stored.tensor, dtype: stored.dtype });
    const kept: FloatFormat = halve && format === 'f32' ? 'f16' : format;
    const elements = kept === 'f32' ? rows * cols : (rows * cols) / 2;
    if (!Number.isInteger(elements)) return null;
    return {
      encoding: { format: kept },
      data: { type: kept === 'f32' ? 'f32' : 'u32', elements },
      scales: null,
    };
  }
  if (stored.kind === 'bnb') {
    const { codebook: format, blockSize, nested } = stored;
    const scales = blocks(blockSize);
    if (nested || !scales) return null;
    return { encoding: { format, blockSize, nestedBlockSize: null }, data: codes, scales };
  }
  if (stored.groupIndex !== null) return null;
  const scales: Extent = { type: 'u32', elements: rows * stored.groups };
  return { encoding: int4Encoding(stored), data: codes, scales };
}

const nf4: Encoding = { format: 'nf4', blockSize: NF4_BLOCK, nestedBlockSize: null };

function labelOf(stored: StoredMatrix): string {
  return 'tensor' in stored ? stored.tensor : stored.qweight;
}
