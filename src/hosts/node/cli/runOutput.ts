import * as v from 'valibot';
import { GraftError } from '../../../base/lib/errors.ts';
import { hexOf } from '../../../base/lib/bytes.ts';
import { createContentHash, takeDigest } from '../../../base/lib/contentHash.ts';
import type { OwnedFolder } from '../../../base/storage/ownedFolder.ts';
import type { Folder } from '../../../base/storage/types.ts';
import { runRecordFile } from '../../../base/config/runRecord.ts';
import type { RunHeader } from '../../../content/runs/header.ts';
import type { RunStore } from '../../../content/runs/runStore.ts';
import { indexFileName } from '../../../content/formats/sharding.ts';
import { journalFile } from '../../../engine/merge/mergeJournal.ts';
import { configFile } from '../../../engine/merge/outputFiles.ts';
import { generationFile } from '../../../engine/merge/outputEnds.ts';
import { checkEmpty, withSibling } from './output.ts';
import { log } from './terminal.ts';

/** What a run has written to an output folder, as its header keeps it beside the checkpoints. */
const outputSchema = v.object({
  output: v.object({
    /** After how many steps. */
    step: v.number(),
    /** Null while they are being written. */
    files: v.nullable(v.array(v.object({ name: v.string(), size: v.number(), digest: v.string() }))),
  }),
});
type RunOutput = v.InferOutput<typeof outputSchema>['output'];

/** What a training writes into its folder, besides weights and copies of the base's files. */
const ownFiles = new Set([
  'adapter_config.json',
  'README.md',
  'recipe.json',
  'metrics.jsonl',
  runRecordFile,
  generationFile,
  indexFileName,
  journalFile,
]);

/** Weights of a training: an adapter's, or a model's in one file or several. Others in its folder are not its own. */
const ownWeights = /^(?:adapter_model(?:\.int8)?|model(?:-\d{5}-of-\d{5})?)\.safetensors$/;

/** What an earlier start of a run has left in its output folder. */
export interface EarlierOutput {
  /** Its files; empty where there are none. */
  files: string[];
  /** After how many steps they were written, or were to be; null where there are none. */
  step: number | null;
  /** Whether all of them are there as they were written. */
  isWhole: boolean;
}

/** Nothing. */
export const noOutput: EarlierOutput = { files: [], step: null, isWhole: false };

/**
 * Finds what an earlier start of a run has left in the output folder. Nothing else may be there: neither is the user's
 * overwritten, nor what the user has changed since.
 * @param baseFiles of the model, which method "full" copies
 * Throws `cli.output_exists`, `cli.output_changed`.
 */
export async function earlierOutput(
  out: Folder,
  path: string,
  header: RunHeader,
  baseFiles: () => Promise<readonly string[]>,
): Promise<EarlierOutput> {
  const present = await out.list();
  if (present.length === 0) return noOutput;
  const changed = (file: string) => new GraftError('cli.output_changed', { folder: path, file });
  const recorded = outputOf(header);
  if (!recorded) {
    await checkEmpty(out, path);
    return noOutput;
  }
  if (recorded.files === null) {
    const ofBase = new Set(await baseFiles());
    const isOwn = (file: string): boolean => ownFiles.has(file) || ofBase.has(file) || ownWeights.test(file);
    const other = present.find((file) => !isOwn(file));
    if (other !== undefined) throw changed(other);
    return { files: present, step: recorded.step, isWhole: false };
  }
  const wanted = new Map(recorded.files.map((file) => [file.name, file]));
  for (const file of await digestsOf(out)) {
    const own = wanted.get(file.name);
    if (own?.size !== file.size || own.digest !== file.digest) throw changed(file.name);
  }
  return { files: present, step: recorded.step, isWhole: recorded.files.length === present.length };
}

/** A training's result on its way to its folder. */
export interface TrainingOutput {
  /** Its stored run; null where there is none, or another owns it. */
  run: { store: RunStore; id: string } | null;
  /** Steps it was trained for. */
  step: number;
  /** Whether it is a whole model, whose writing continues where it was cut off. */
  isModel: boolean;
  earlier: EarlierOutput;
  write(out: OwnedFolder, path: string): Promise<void>;
}

/**
 * Writes what a training made into its folder, in place of what an earlier start of the run has left there, and records with
 * the run what that is: so the same command with --resume knows it again wherever it was cut off. Where another process
 * has the folder by now, what was trained goes into a new folder beside it.
 */
export async function writeTraining(out: OwnedFolder, path: string, output: TrainingOutput): Promise<void> {
  const { run, step, isModel, earlier, write } = output;
  // A full disk, or another owner of the run: what was trained is written all the same.
  const record = async (files: RunOutput['files']): Promise<void> =>
    run?.store.change(run.id, { extra: { output: { step, files } } }).catch(() => undefined);
  try {
    await out.checkOwner();
    await record(null);
    // Of a start that was killed.
    await out.removeUnfinished?.();
    if (!isModel || earlier.step !== step) await removeOutput(out, earlier.files);
    await write(out, path);
    if (run) await record(await digestsOf(out));
  } catch (error) {
    if (!(error instanceof GraftError && error.code === 'storage.lost_ownership')) throw error;
    log(error.message);
    await withSibling(path, write);
  }
}

/** Removes files, those that make a folder a model or an adapter first. */
async function removeOutput(out: OwnedFolder, files: readonly string[]): Promise<void> {
  const first = [configFile, 'adapter_config.json'].filter((file) => files.includes(file));
  for (const file of [...first, ...files.filter((name) => !first.includes(name))]) await out.remove(file);
}

function outputOf({ extra }: RunHeader): RunOutput | null {
  const parsed = v.safeParse(outputSchema, extra);
  return parsed.success ? parsed.output.output : null;
}

const READ_BYTES = 16 << 20;

async function digestsOf(folder: Folder): Promise<{ name: string; size: number; digest: string }[]> {
  const hasher = await createContentHash();
  const found: { name: string; size: number; digest: string }[] = [];
  for (const name of await folder.list()) {
    const source = await folder.open(name);
    for (let at = 0; at < source.size; at += READ_BYTES) {
      hasher.update(await source.read(at, Math.min(READ_BYTES, source.size - at)));
    }
    found.push({ name, size: source.size, digest: hexOf(takeDigest(hasher)) });
  }
  return found;
}
