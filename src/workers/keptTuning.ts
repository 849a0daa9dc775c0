import type { Gpu } from '../gpu/device.ts';
import { opfsDirectory } from '../storage/opfsDirectory.ts';
import { adapterKey, browserName, KeptChoices } from '../tuning/keptChoices.ts';

/** The folder of the origin private file system that holds which kernels were found best. */
const FOLDER = 'tuning';

/** What was found in this browser on its adapter; where storage is denied, nothing is kept past this page. */
export async function openTuning(gpu: Gpu, shaders: Record<string, string>): Promise<KeptChoices> {
  const folder = await opfsDirectory(FOLDER).catch(() => null);
  return KeptChoices.open(folder, adapterKey(gpu, browserName(navigator.userAgent), shaders));
}
