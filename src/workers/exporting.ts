import { parseShardSize } from '../formats/sharding.ts';
import { adapterBytes, writeAdapter, type AdapterDtype, type PeftAdapter } from '../formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import { mergeJob } from '../merge/mergeJob.ts';
import { mergeModel } from '../merge/mergeModel.ts';
import { planOutput } from '../merge/outputPlan.ts';
import { verifyMerge } from '../merge/verifyMerge.ts';
import { zipFolder } from '../merge/zipFolder.ts';
import type { ModelFiles } from '../model/openModel.ts';
import { directoryHandleFolder } from '../storage/directoryHandleFolder.ts';
import { MemoryFolder } from '../storage/memoryFolder.ts';
import { opfsFolder } from '../storage/opfsFolder.ts';
import { opfsFile, removeOpfsFolder } from '../storage/opfsRoot.ts';
import type { WritableFolder } from '../storage/types.ts';
import type {
  ExportSizes,
  MergeDestination,
  MergeLosses,
  MergeOutcome,
  MergeSettings,
  Progress,
} from './protocol.ts';

/** Folders of the origin private file system: the merged model until it is zipped, and the zip to download. */
const STAGING = 'merge-staging';
const DOWNLOADS = 'downloads';

/** An adapter as the zip of its PEFT folder. It is small: memory will do. */
export async function adapterZip(name: string, peft: PeftAdapter, dtype: AdapterDtype): Promise<File> {
  const folder = new MemoryFolder(name);
  await writeAdapter(folder, peft, { dtype });
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
    /** Whether the 4 bits it was trained on had nested absmax. */
    trainedDoubleQuant: boolean;
    /** Measures the losses on the weights it can be merged onto; null where that cannot be. */
    losses(): Promise<MergeLosses | null>;
    /** Name of the merged model: of the zip, and of the folder in it. */
    name: string;
    onProgress: (p: Progress) => void;
    signal: AbortSignal;
  },
): Promise<MergeOutcome> {
  const { destination, name, trainedDoubleQuant, onProgress, signal } = options;
  const report = (phase: string) => (done: number, total: number) =>
    onProgress({ phase, done, total, unit: 'bytes' });
  const { maxShardSize, onto, quantize } = options.settings;
  const maxShardBytes = parseShardSize(maxShardSize);
  const job = mergeJob(base, peft, { onto, trainedDoubleQuant, quantize });

  const mergeAndProve = async (folder: WritableFolder) => {
    const files = await mergeModel(gpu, job, folder, {
      maxShardBytes,
      onProgress: report('Merging'),
      signal,
    });
    const proof = await verifyMerge(gpu, job, folder, report('Reading back and proving'));
    return { files, proof, losses: await options.losses() };
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

/** Bytes of what can be taken away, without making it. Throws `merge.bias_without_place`, what reading the base throws. */
export async function exportSizes(gpu: Gpu, base: ModelFiles, peft: PeftAdapter): Promise<ExportSizes> {
  // What it is merged onto changes no size.
  const onto = base.quantization === null ? 'original' : 'dequantized';
  const bytes = async (quantize: MergeSettings['quantize']) =>
    (await planOutput(gpu, mergeJob(base, peft, { onto, quantize }))).totalBytes;
  return {
    adapter: { F32: adapterBytes(peft, 'F32'), I8: adapterBytes(peft, 'I8') },
    merged: {
      floats: await bytes(null),
      nf4: await bytes({ doubleQuant: false }),
      nf4Nested: await bytes({ doubleQuant: true }),
    },
  };
}
