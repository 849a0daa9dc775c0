import { runRecordFile, type RunRecord } from '../config/runRecord.ts';
import { parseShardSize } from '../formats/sharding.ts';
import { adapterBytes, writeAdapter, type AdapterDtype, type PeftAdapter } from '../formats/peft.ts';
import { writeText } from '../formats/text.ts';
import type { Gpu } from '../gpu/device.ts';
import { modelCard } from '../hub/modelCard.ts';
import { mergeJob, type MergeJob } from '../merge/mergeJob.ts';
import { mergeProved } from '../merge/mergeProved.ts';
import { generationFile, planEnds, type PlannedEnds } from '../merge/outputEnds.ts';
import { planOutput } from '../merge/outputPlan.ts';
import { zipBlob } from '../merge/zipBlob.ts';
import type { ModelFiles } from '../model/openModel.ts';
import { directoryHandleFolder } from '../storage/directoryHandleFolder.ts';
import { MemoryFolder } from '../storage/memoryFolder.ts';
import type { WritableFolder } from '../storage/types.ts';
import { mergeStaging } from './mergeStaging.ts';
import type {
  ExportSizes,
  MergeDestination,
  MergeLosses,
  MergeOutcome,
  MergeSettings,
  NamedBlob,
  Phase,
  Progress,
} from './protocol.ts';

/** What a merge adds to its base: an adapter, or the tensors of a model of which every parameter was trained. */
export type TrainedContent = Pick<MergeJob, 'adapter' | 'trained'>;

/**
 * The files of an adapter's PEFT folder, with the record of its run and a card where it was trained here, and a
 * generation_config.json where its base's lacks an end.
 */
export async function adapterFiles(
  name: string,
  peft: PeftAdapter,
  dtype: AdapterDtype,
  { run, ends }: { run: RunRecord | null; ends: PlannedEnds },
): Promise<NamedBlob[]> {
  // They are small: memory will do.
  const folder = new MemoryFolder(name);
  await writeAdapter(folder, peft, { dtype });
  if (ends.text !== null) await writeText(folder, generationFile, ends.text);
  if (run) {
    await writeText(folder, runRecordFile, `${JSON.stringify(run, null, 2)}\n`);
    await writeText(folder, 'README.md', modelCard(name, 'adapter', run, ends));
  }
  return [...folder.files].map(([file, bytes]) => ({ name: file, blob: new Blob([bytes]) }));
}

/** Those files as a zip. */
export async function adapterZip(name: string, files: readonly NamedBlob[]): Promise<File> {
  const entries = files.map((file) => ({ ...file, crc: null }));
  return new File([await zipBlob(entries, name)], `${name}.zip`, { type: 'application/zip' });
}

/**
 * Merges into a folder of the person's, into a zip, or into files for a push. What goes into the last two lies in the origin private file system,
 * where it is read back and proved before it is offered; the zip is those files with what stands between them, readable
 * until this tab's next merge. A merge that was cut off goes on where it was.
 */
export async function mergeTo(
  gpu: Gpu,
  base: ModelFiles,
  { adapter, trained }: TrainedContent,
  options: {
    destination: MergeDestination;
    settings: MergeSettings;
    /** Whether the 4 bits it was trained on had nested absmax. */
    trainedDoubleQuant: boolean;
    /** Measures the losses on the weights it can be merged onto; null where that cannot be. */
    losses(): Promise<MergeLosses | null>;
    /** Name of the merged model: of the zip, and of the folder in it. */
    name: string;
    /** How the adapter came to be, for the card; null where nobody knows. */
    run: RunRecord | null;
    onProgress: (p: Progress) => void;
    signal: AbortSignal;
  },
): Promise<MergeOutcome> {
  const { destination, name, run, trainedDoubleQuant, onProgress, signal } = options;
  const report = (phase: Phase) => (done: number, total: number) =>
    onProgress({ phase, done, total, unit: 'bytes' });
  const { maxShardSize, onto, quantize, ends } = options.settings;
  const maxShardBytes = parseShardSize(maxShardSize);
  const job = mergeJob(base, adapter, {
    ...{ onto, trainedDoubleQuant, quantize, trained, ends },
    card: run && modelCard(name, 'merged', run, await planEnds(base.folder, ends)),
  });

  const mergeInto = async (folder: WritableFolder, crc: boolean) => {
    const { files, proof } = await mergeProved(gpu, job, folder, {
      ...{ maxShardBytes, signal, crc },
      onProgress: report('merging'),
      onProving: report('proving'),
    });
    return { files, proof, losses: await options.losses() };
  };

  if (destination.kind === 'directory') {
    return {
      ...(await mergeInto(directoryHandleFolder(destination.handle), false)),
      zip: null,
      staged: null,
    };
  }
  const staging = await mergeStaging();
  const merged = await mergeInto(staging.directory, true);
  const entries = await Promise.all(
    merged.files.map(async ({ name: file, crc }) => ({ name: file, crc, blob: await staging.file(file) })),
  );
  if (destination.kind === 'files') return { ...merged, zip: null, staged: entries };
  const zip = new File([await zipBlob(entries, name)], `${name}.zip`, { type: 'application/zip' });
  return { ...merged, zip, staged: null };
}

/** Bytes of what can be taken away, without making it. Throws `merge.bias_without_place`, what reading the base throws. */
export async function exportSizes(
  gpu: Gpu,
  base: ModelFiles,
  { adapter, trained }: TrainedContent,
): Promise<ExportSizes> {
  // What it is merged onto changes no size.
  const onto = base.quantization === null ? 'original' : 'dequantized';
  const bytes = async (quantize: MergeSettings['quantize']) =>
    (await planOutput(gpu, mergeJob(base, adapter, { onto, quantize, trained }))).totalBytes;
  const floats = await bytes(null);
  if (!adapter) return { adapter: null, merged: { floats, nf4: null, nf4Nested: null } };
  return {
    adapter: { F32: adapterBytes(adapter, 'F32'), I8: adapterBytes(adapter, 'I8') },
    merged: {
      floats,
      nf4: await bytes({ doubleQuant: false }),
      nf4Nested: await bytes({ doubleQuant: true }),
    },
  };
}
