/** The public API in a page or a worker: `import { openSession } from 'graft'`. */
import { LibrarySession } from '../../session/librarySession.ts';
import { browserHost } from './host.ts';

export * from '../../session/index.ts';
export { browserHost } from './host.ts';
export { bundledFolder as urlFolder } from './bundledFolder.ts';
export { blobSource } from '../../base/storage/byteSource.ts';
export { directoryHandleFolder } from '../../base/storage/directoryHandleFolder.ts';
export { fileFolder } from '../../base/storage/fileFolder.ts';
export { opfsDirectory } from '../../base/storage/opfsDirectory.ts';
export { webLocks } from '../../base/storage/webLocks.ts';
export { zipBlob } from '../../engine/merge/zipBlob.ts';
export { zipMemory } from '../../engine/merge/zipMemory.ts';

/** A session on the browser's GPU. Its device is opened by the first job that needs it. */
export function openSession(): LibrarySession {
  return new LibrarySession(browserHost());
}
