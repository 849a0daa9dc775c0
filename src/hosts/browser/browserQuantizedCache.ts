import { QuantizedCache } from '../../engine/model/weights/quantizedCache/quantizedCache.ts';
import { opfsDirectory } from '../../base/storage/opfsDirectory.ts';

/** The folder of the origin private file system for models' 4-bit weights. */
const FOLDER = 'quantized';

/**
 * The cache of 4-bit weights for later loads, shared by all tabs; null where the browser denies storage.
 * @param onProblem reports why weights were not cached
 */
export async function openQuantizedCache(
  onProblem: (error: unknown) => void = () => undefined,
): Promise<QuantizedCache | null> {
  const folder = await opfsDirectory(FOLDER).catch(() => null);
  return folder && new QuantizedCache(folder, { onProblem });
}
