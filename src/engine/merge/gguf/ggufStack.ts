import type { GgufArchitecture } from '../../../content/formats/gguf/architectures.ts';
import { aligned, ggufTensorBytes, type GgufEntry } from '../../../content/formats/gguf/ggufWriter.ts';
import type { WrittenType } from '../../../content/formats/gguf/quantize.ts';
import type { OutputTensor } from '../outputTensor.ts';
import { ggufTensor, type GgufTensorPlan } from './ggufTensor.ts';

/** The matrices of a layer's experts as one tensor [experts, rows, cols], expert after expert. */
export function ggufStack(
  architecture: GgufArchitecture,
  sizes: { heads: number; kvHeads: number },
  from: readonly [OutputTensor, ...OutputTensor[]],
  type: WrittenType,
  isFallback: boolean,
): GgufTensorPlan {
  const parts = from.map((tensor) => ggufTensor(architecture, sizes, tensor, type, isFallback));
  const [first] = parts as [GgufTensorPlan];
  const entry: GgufEntry = { ...first.entry, shape: [parts.length, ...first.entry.shape] };
  // Padding is behind the whole alone.
  const part = ggufTensorBytes(first.entry);
  const size = parts.length * part;
  const byteLength = aligned(size);
  async function* blocks(start: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (const [i, { written }] of parts.entries()) {
      const begin = i * part;
      const skipped = Math.max(0, start - begin);
      if (skipped < part) yield* firstBytes(written.blocks(skipped), part - skipped);
    }
    const padding = byteLength - Math.max(size, start);
    if (padding > 0) yield new Uint8Array(padding);
  }
  return {
    entry,
    isFallback,
    from,
    written: {
      entry: { name: entry.name, dtype: type, shape: [...entry.shape], byteLength },
      blocks: (start = 0) => blocks(start),
    },
  };
}

async function* firstBytes(
  blocks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  bytes: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let left = bytes;
  for await (const block of blocks) {
    yield block.subarray(0, left);
    left -= block.byteLength;
    if (left <= 0) return;
  }
}
