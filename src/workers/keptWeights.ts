import { DerivedWeights } from '../model/derived/derivedWeights.ts';
import { opfsDirectory } from '../storage/opfsDirectory.ts';

/** The folder of the origin private file system that holds what was made of models in 4 bits. */
const FOLDER = 'quantized';

/**
 * The 4-bit weights that loads leave for later ones, shared by all tabs; null where the browser denies storage.
 * @param onProblem told why weights were not kept
 */
export async function openKeptWeights(
  onProblem: (error: unknown) => void = () => undefined,
): Promise<DerivedWeights | null> {
  const folder = await opfsDirectory(FOLDER).catch(() => null);
  return folder && new DerivedWeights(folder, { onProblem });
}
