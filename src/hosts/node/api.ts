/** The public API in Node: `import { openSession } from 'graft/node'`. */
import { LibrarySession } from '../../session/librarySession.ts';
import { closeDawn } from './dawn.ts';
import { nodeHost } from './host.ts';
import { startText } from './startText.ts';

export * from '../../session/index.ts';
export { nodeHost } from './host.ts';
export { nodeDirectory } from '../../base/storage/nodeDirectory.ts';
export { nodeFolder, nodeSource } from '../../base/storage/nodeFolder.ts';
export { nodeLocks } from '../../base/storage/nodeLocks.ts';

/** A session on this machine's GPU. `close` it, so that the process can end. */
export function openSession(): LibrarySession {
  return new NodeSession(nodeHost(), startText);
}

class NodeSession extends LibrarySession {
  override async close(): Promise<void> {
    await super.close();
    closeDawn();
  }
}
