import { directoryHandleFolder } from '../storage/directoryHandleFolder.ts';
import { fileFolder } from '../storage/fileFolder.ts';
import type { Folder } from '../storage/types.ts';
import type { ModelSource } from './protocol.ts';

/** The folder that a source stands for. */
export function folderOf(source: ModelSource): Folder {
  return source.kind === 'files'
    ? fileFolder(source.files, source.name)
    : directoryHandleFolder(source.handle, source.name);
}
