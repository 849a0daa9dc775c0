import { Checkpoint } from '../../content/formats/checkpoint.ts';
import { SafetensorsFile } from '../../content/formats/safetensors.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';
import type { ByteSource, Folder } from '../../base/storage/types.ts';

/** Throws `merge.cancelled` once the signal is aborted. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new GraftError('merge.cancelled');
}

/**
 * A folder whose files can no longer be read once the signal is aborted: whatever reads them fails with
 * `merge.cancelled`.
 */
export function stoppableFolder(folder: Folder, signal: AbortSignal | undefined): Folder {
  return {
    name: folder.name,
    origin: folder.origin,
    list: () => folder.list(),
    open: async (file) => stoppableSource(await folder.open(file), signal),
  };
}

/** The same for an open model. */
export function stoppableFiles(files: ModelFiles, signal: AbortSignal | undefined): ModelFiles {
  const { folder, checkpoint } = files;
  const opened = checkpoint.files.map(({ file }) => {
    const { source, tensors, metadata, dataStart } = file;
    return new SafetensorsFile(stoppableSource(source, signal), { tensors, metadata }, dataStart);
  });
  const stoppable = new Checkpoint(folder.name, opened);
  stoppable.nameAs(checkpoint);
  return { ...files, folder: stoppableFolder(folder, signal), checkpoint: stoppable };
}

function stoppableSource(source: ByteSource, signal: AbortSignal | undefined): ByteSource {
  const { release } = source;
  return {
    ...source,
    async read(offset, length) {
      throwIfCancelled(signal);
      return source.read(offset, length);
    },
    async readInto(offset, target) {
      throwIfCancelled(signal);
      await source.readInto(offset, target);
    },
    ...(release && { release: () => release.call(source) }),
  };
}
