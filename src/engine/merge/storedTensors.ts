import type { Checkpoint } from '../../content/formats/checkpoint.ts';
import type { OutputTensor } from './outputTensor.ts';

/**
 * The tensors of a result as its files have them: under the names of the base's files, and parts of a stacked tensor as
 * one again.
 */
export function storedTensors(base: Checkpoint, tensors: readonly OutputTensor[]): OutputTensor[] {
  const stored: OutputTensor[] = [];
  for (let at = 0; at < tensors.length;) {
    const tensor = tensors[at]!;
    const stack = base.tensors.get(tensor.entry.name)?.stack;
    const parts = stack ? tensors.slice(at, at + stack.count) : [tensor];
    const whole = stack ? stacked(stack.name, parts) : tensor;
    stored.push({ ...whole, entry: { ...whole.entry, name: base.storedName(whole.entry.name) } });
    at += parts.length;
  }
  return stored;
}

function stacked(name: string, parts: readonly OutputTensor[]): OutputTensor {
  const [first] = parts as [OutputTensor];
  const { byteLength, dtype, shape } = first.entry;
  return {
    ...first,
    entry: { name, dtype, shape: [parts.length, ...shape], byteLength: parts.length * byteLength },
    async *blocks(start = 0) {
      for (const [i, part] of parts.entries()) {
        const begin = i * byteLength;
        if (start < begin + byteLength) yield* part.blocks(Math.max(0, start - begin));
      }
    },
  };
}
