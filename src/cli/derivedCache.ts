import { join } from 'node:path';
import { messageOf } from '../lib/errors.ts';
import { DerivedWeights } from '../model/derived/derivedWeights.ts';
import { nodeDirectory } from '../storage/nodeDirectory.ts';
import { cachePath, isOnHub } from './hubAccess.ts';

/** Where 4-bit weights of downloaded models are kept: beside them in the cache. */
export function derivedCache(): DerivedWeights {
  return new DerivedWeights(nodeDirectory(join(cachePath(), 'quantized')), {
    onProblem: (error) =>
      console.error(`The 4-bit weights are not kept for the next time: ${messageOf(error)}`),
  });
}

/** The same for a model as the command line names it; null for a folder, of which nothing is kept. */
export function derivedFor({ model }: { model: string }): DerivedWeights | null {
  return isOnHub(model) ? derivedCache() : null;
}
