import { openGpu, type Gpu } from '../gpu/device.ts';
import type { PeftAdapter } from '../formats/peft.ts';
import { GraftError } from '../lib/errors.ts';
import { openAdapter } from '../model/openAdapter.ts';
import { openModelFiles, type ModelFiles } from '../model/openModel.ts';
import { nodeFolder } from '../storage/nodeFolder.ts';
import { modelFolder, type ModelChoice } from './hubModel.ts';
import { closeDawn, openDawn } from './dawn.ts';
import { openTuning } from './keptTuning.ts';
import { readShaders } from './shaders.ts';

/** What is shown once the device is there: below what its driver has to say, next to the result. */
const warnings: GraftError[] = [];

function showWarnings(): void {
  for (const { message } of warnings.splice(0)) console.error(`graft: ${message}`);
}

/** Runs `work` with a device and what was found of kernels on it, and closes it so that the process can end. Throws `cli.no_gpu`. */
export async function withGpu<T>(work: (gpu: Gpu) => Promise<T>): Promise<T> {
  try {
    const shaders = readShaders();
    const gpu = await openGpu(openDawn(), shaders).catch((error: unknown) => {
      throw withDriver(error);
    });
    try {
      showWarnings();
      gpu.choices = (await openTuning(gpu, shaders)).choices();
      return await work(gpu);
    } finally {
      gpu.destroy();
    }
  } finally {
    closeDawn();
  }
}

/** Without a browser the driver is missing, and where the person chose one, perhaps for that reason. */
function withDriver(error: unknown): unknown {
  if (!(error instanceof GraftError) || error.code !== 'gpu.no_adapter') return error;
  const chosen = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'].find((name) => process.env[name]);
  const detail = chosen === undefined ? '' : ` (${chosen} is ${process.env[chosen]})`;
  return new GraftError('cli.no_gpu', { detail }, { cause: error });
}

/** Opens a model: a folder of the file system, or one of a Hub, which is downloaded first. */
export async function openModelAt(choice: ModelChoice): Promise<ModelFiles> {
  return openModelFiles(await modelFolder(choice));
}

/** Opens a PEFT folder of the file system for a model, or nothing where there is no path; its warnings go to stderr. */
export async function openAdapterAt(
  files: ModelFiles,
  path: string | undefined,
): Promise<PeftAdapter | null> {
  if (path === undefined) return null;
  const opened = await openAdapter(files, nodeFolder(path));
  warnings.push(...opened.warnings);
  return opened.peft;
}
