import { bytesSource, checkRange, copyingSource } from '../../base/storage/byteSource.ts';
import type { ByteSource, Folder } from '../../base/storage/types.ts';
import { serial } from '../../base/lib/serial.ts';
import { planFiles, type ShardToWrite } from './outputFiles.ts';
import type { OutputPlan } from './outputPlan.ts';
import type { WrittenTensor } from './outputTensor.ts';

/**
 * The folder that a merge would write, without writing it: weights are computed as they are read. Whoever has read it
 * disposes of the plan's workspace. Reads throw what the blocks of the plan throw, such as `merge.f16_overflow`.
 * @param base what files besides the weights are copied from
 */
export function plannedFolder(base: Folder, plan: OutputPlan): Folder {
  const [shard] = planFiles(plan, Number.MAX_SAFE_INTEGER).shards;
  const weights = shard!;
  const texts = new Map(plan.files.map(({ name, text }) => [name, text]));
  return {
    name: base.name,
    list: async () => [weights.file, ...texts.keys()].sort(),
    open: async (file) => {
      if (file === weights.file) return weightsSource(weights);
      const text = texts.get(file) ?? null;
      return text === null ? base.open(file) : bytesSource(file, new TextEncoder().encode(text));
    },
  };
}

/** A file of weights whose tensors are computed as they are read. */
function weightsSource({ file, layout, tensors }: ShardToWrite): ByteSource {
  const { header, totalBytes: size } = layout;
  // A plan computes one block at a time.
  const inTurn = serial();
  const fill = async (offset: number, length: number) => {
    const target = new Uint8Array(length);
    if (offset < header.byteLength) target.set(header.subarray(offset, offset + length));
    let begin = header.byteLength;
    for (const tensor of tensors) {
      const end = begin + tensor.entry.byteLength;
      const from = Math.max(begin, offset);
      const to = Math.min(end, offset + length);
      if (from < to) await copyRange(tensor, from - begin, target.subarray(from - offset, to - offset));
      begin = end;
    }
    return target;
  };
  return copyingSource({
    name: file,
    size,
    async read(offset, length) {
      checkRange({ name: file, size }, offset, length);
      return inTurn(() => fill(offset, length));
    },
  });
}

async function copyRange({ blocks }: WrittenTensor, start: number, target: Uint8Array): Promise<void> {
  let done = 0;
  for await (const block of blocks(start)) {
    const some = block.subarray(0, target.byteLength - done);
    target.set(some, done);
    if ((done += some.byteLength) === target.byteLength) return;
  }
}
