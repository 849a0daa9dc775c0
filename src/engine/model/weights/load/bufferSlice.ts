import type { StoredMatrix } from '../../../../content/formats/quantized/types.ts';
import type { Gpu } from '../../../gpu/device.ts';
import { slice, type ElementType } from '../../../gpu/tensor.ts';
import { NF4_BLOCK } from '../../../kernels/quantize.ts';
import { CODES_PER_WORD, type Encoding, type FloatFormat, type Weight } from '../../../kernels/weight.ts';
import { floatFormat } from '../../spec/floatFormat.ts';
import type { FourBits } from '../fourBits.ts';
import type { WeightStorage } from '../weightStorage.ts';
import { int4Encoding } from './int4Matrix.ts';
import type { BufferSlice, LoadContext } from './loadContext.ts';

/** A matrix [rows, cols] that may be fused with others. */
export interface FusedMember {
  stored: StoredMatrix;
  rows: number;
  cols: number;
  /** Its 4 bits, if it is stored in floats. */
  quantize: FourBits | null;
}

/** The part of a tensor that a matrix takes. */
interface Extent {
  type: ElementType;
  elements: number;
}

interface Layout {
  encoding: Encoding;
  data: Extent;
  scales: Extent | null;
}

/** Binding offsets are multiples of this many bytes. */
const ALIGNMENT = 256;

/** Where fused projections go: the layout of each, and where each begins in the tensor of all. */
interface SlicePlan {
  layouts: readonly Layout[];
  data: Adjacent;
  scales: Adjacent | null;
}

/**
 * Plans fused projections as one matrix: each is loaded into its slice of the rows, and one product computes the
 * outputs of all. Null if they cannot be fused: different encodings, nested scales (their offset is per matrix), group
 * indices, slices at unaligned offsets, or more than a binding holds.
 */
export function planSlices(
  { maxBinding: limit }: Pick<Gpu, 'maxBinding'>,
  members: readonly FusedMember[],
  storage: WeightStorage,
): SlicePlan | null {
  const layouts = members.map((member) => layoutOf(member, storage)).filter((layout) => layout !== null);
  const [first] = layouts;
  if (members.length < 2 || !first || layouts.length < members.length) return null;
  const key = JSON.stringify(first.encoding);
  // Of hundreds of experts all have the same one.
  const isSame = ({ encoding }: Layout) => encoding === first.encoding || JSON.stringify(encoding) === key;
  if (!layouts.every(isSame)) return null;
  const data = adjacent(layouts.map((layout) => layout.data));
  const scales = first.scales && adjacent(layouts.map((layout) => layout.scales!));
  if (!data || data.bytes > limit || (first.scales && !scales)) return null;
  // A matrix of more than half a binding may be loaded in two chunks, whose rows are rounded.
  if (layouts.some((layout) => 8 * layout.data.elements > limit)) return null;
  return { layouts, data, scales };
}

/** Allocates fused projections as one matrix, or null as `planSlices`. */
export function allocateSlices(
  context: LoadContext,
  members: readonly FusedMember[],
  storage: WeightStorage,
): { slices: BufferSlice[]; joined: Weight } | null {
  const plan = planSlices(context.gpu, members, storage);
  if (!plan) return null;
  const { layouts, data: dataPlan, scales: scalesPlan } = plan;
  const [first] = layouts as [Layout];
  const label = labelOf(members[0]!.stored);
  const data = context.tensor(first.data.type, [dataPlan.elements], `${label} and siblings`);
  const scales =
    first.scales && scalesPlan
      ? context.tensor(first.scales.type, [scalesPlan.elements], `${label} and siblings, scales`)
      : null;
  const slices = layouts.map((layout, i) => ({
    data: slice(data, dataPlan.starts[i]!, [layout.data.elements]),
    scales: scales && slice(scales, scalesPlan!.starts[i]!, [layout.scales!.elements]),
  }));
  const rows = members.reduce((sum, member) => sum + member.rows, 0);
  const { cols } = members[0]!;
  const chunk = { rowStart: 0, rows, cols, encoding: first.encoding, data, ...(scales && { scales }) };
  return { slices, joined: { rows, cols, chunks: [chunk] } };
}

interface Adjacent {
  starts: number[];
  elements: number;
  bytes: number;
}

/** Start offsets if they are adjacent; null if a binding could not start at one. */
function adjacent(extents: readonly Extent[]): Adjacent | null {
  let elements = 0;
  const starts = extents.map((extent) => {
    elements += extent.elements;
    return elements - extent.elements;
  });
  const aligned = starts.every((start) => (4 * start) % ALIGNMENT === 0);
  return aligned ? { starts, elements, bytes: 4 * elements } : null;
}

/** How a matrix is stored on the GPU in one chunk; null if it cannot be fused with others. */
function layoutOf({ stored, rows, cols, quantize }: FusedMember, { halve }: WeightStorage): Layout | null {
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
    const target: FloatFormat = halve && format === 'f32' ? 'f16' : format;
    const elements = target === 'f32' ? rows * cols : (rows * cols) / 2;
    if (!Number.isInteger(elements)) return null;
    return {
      encoding: { format: target },
      data: { type: target === 'f32' ? 'f32' : 'u32', elements },
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
