import { Checkpoint } from '../formats/checkpoint.ts';
import { SafetensorsFile } from '../formats/safetensors.ts';
import { GraftError } from '../lib/errors.ts';
import type { ModelFiles } from '../model/openModel.ts';
import type { ByteSource, Folder } from '../storage/types.ts';

/** Throws `merge.cancelled` once the signal is aborted. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new GraftError('merge.cancelled');
}

/** A folder whose files stop being read when the signal is aborted: whatever works on them ends with `merge.cancelled`. */
export function stoppableFolder(folder: Folder, signal: AbortSignal | undefined): Folder {
  return {
    name: folder.name,
    origin: folder.origin,
    list: () => folder.list(),
    open: async (file) => stoppableSource(await folder.open(file), signal),
  };
}

/** The same of a model that is open. */
export function stoppableFiles(files: ModelFiles, signal: AbortSignal | undefined): ModelFiles {
  const { folder, checkpoint } = files;
  const opened = checkpoint.files.map(({ file }) => {
    const { source, tensors, metadata, dataStart } = file;
    return new SafetensorsFile(stoppableSource(source, signal), { tensors, metadata }, dataStart);
  });
  const stoppable = new Checkpoint(folder.name, opened);
  for (const [name, { info }] of checkpoint.tensors)
    if (name !== info.name) stoppable.rename(info.name, name);
  return { ...files, folder: stoppableFolder(folder, signal), checkpoint: stoppable };
}

function stoppableSource(source: ByteSource, signal: AbortSignal | undefined): ByteSource {
  const { readInto, release } = source;
  return {
    ...source,
    async read(offset, length) {
      throwIfCancelled(signal);
      return source.read(offset, length);
    },
    ...(readInto && {
      async readInto(offset: number, target: Uint8Array<ArrayBuffer>) {
        throwIfCancelled(signal);
        await readInto.call(source, offset, target);
      },
    }),
    ...(release && { release: () => release.call(source) }),
  };
}
