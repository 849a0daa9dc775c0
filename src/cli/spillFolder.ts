import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDirectory } from '../storage/nodeDirectory.ts';
import type { Directory } from '../storage/types.ts';

/** Where the inputs of blocks wait that do not fit the GPU. */
export function spillFolder(): Directory {
  return nodeDirectory(join(tmpdir(), 'graft-spill'));
}
