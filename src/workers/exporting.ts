import { parseShardSize } from '../formats/sharding.ts';
import { writeAdapter, type PeftAdapter } from '../formats/peft.ts';
import type { TokenRows } from '../data/tokenRows.ts';
import type { Gpu } from '../gpu/device.ts';
import { mergeJob } from '../merge/mergeJob.ts';
import { mergeModel } from '../merge/mergeModel.ts';
import { verifyMerge } from '../merge/verifyMerge.ts';
import { zipFolder } from '../merge/zipFolder.ts';
import type { ModelFiles } from '../model/openModel.ts';
import { directoryHandleFolder } from '../storage/directoryHandleFolder.ts';
import { MemoryFolder } from '../storage/memoryFolder.ts';
import { opfsFolder } from '../storage/opfsFolder.ts';
import { opfsFile, removeOpfsFolder } from '../storage/opfsRoot.ts';
import type { WritableFolder } from '../storage/types.ts';
import { evaluateMerges } from '../train/evaluateMerges.ts';
import type { MergeDestination, MergeOutcome, MergeSettings, Progress } from './protocol.ts';

/** Folders of the origin private file system: the merged model until it is zipped, and the zip to download. */
const STAGING = 'merge-staging';
const DOWNLOADS = 'downloads';

/** What is remembered of an adapter's training until it is merged. */
export interface AdapterTraining {
  /** The 4 bits it was trained on; null for a base as stored. */
  quantize: null | { doubleQuant: boolean };
  evalRows: TokenRows | null;
}

/** An adapter as the zip of its PEFT folder. It is small: memory will do. */
export async function adapterZip(name: string, peft: PeftAdapter): Promise<File> {
  const folder = new MemoryFolder(name);
  await writeAdapter(folder, peft);
  const zipped = new MemoryFolder('zipped');
  const file = `${name}.zip`;
  await zipFolder(folder, name, await zipped.create(file));
  const source = await zipped.open(file);
  return new File([await source.read(0, source.size)], file, { type: 'application/zip' });
}

/**
 * Merges into a folder of the person's, or into a zip. A zip is staged in the origin private file system, so
 * that the merged model can be read back and proved before it is offered, whatever its size.
 */
export async function mergeTo(
  gpu: Gpu,
  base: ModelFiles,
  peft: PeftAdapter,
  options: {
    destination: MergeDestination;
    settings: MergeSettings;
    /** How the adapter was trained, where that is known. */
    training: AdapterTraining | null;
    /** Name of the merged model: of the zip, and of the folder in it. */
    name: string;
    onProgress: (p: Progress) => void;
    signal: AbortSignal;
  },
): Promise<MergeOutcome> {
  const { destination, name, onProgress, signal } = options;
  const report = (phase: string) => (done: number, total: number) =>
    onProgress({ phase, done, total, unit: 'bytes' });
  const { maxShardSize, onto, quantize } = options.settings;
  const maxShardBytes = parseShardSize(maxShardSize);
  const trainedDoubleQuant = options.training?.quantize?.doubleQuant ?? false;
  const job = mergeJob(base, peft, { onto, trainedDoubleQuant, quantize });

  const mergeAndProve = async (folder: WritableFolder) => {
    const files = await mergeModel(gpu, job, folder, {
      maxShardBytes,
      onProgress: report('Merging'),
      signal,
    });
    const proof = await verifyMerge(gpu, job, folder, report('Reading back and proving'));
    return { files, proof, losses: await lossesOf(gpu, base, peft, options.training) };
  };

  if (destination.kind === 'directory') {
    return { ...(await mergeAndProve(directoryHandleFolder(destination.handle))), zip: null };
  }
  await removeOpfsFolder(STAGING);
  await removeOpfsFolder(DOWNLOADS);
  try {
    const staged = await opfsFolder(STAGING);
    const merged = await mergeAndProve(staged);
    const file = `${name}.zip`;
    const downloads = await opfsFolder(DOWNLOADS);
    await zipFolder(staged, name, await downloads.create(file), report('Packing the zip'));
    return { ...merged, zip: await opfsFile(DOWNLOADS, file) };
  } finally {
    await removeOpfsFolder(STAGING);
  }
}

/** The losses between which a person chooses, where there is a choice and rows to measure it on. */
async function lossesOf(
  gpu: Gpu,
  base: ModelFiles,
  peft: PeftAdapter,
  training: AdapterTraining | null,
): Promise<MergeOutcome['losses']> {
  if (!training?.evalRows || !(training.quantize || base.quantization)) return null;
  const { evalRows, quantize } = training;
  return evaluateMerges(gpu, base, peft, evalRows, quantize?.doubleQuant ?? false);
}
