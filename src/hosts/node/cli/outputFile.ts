import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { link, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { checkFileName } from '../../../base/lib/fileName.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { checkIsFile, nodeFolder } from '../../../base/storage/nodeFolder.ts';
import { naming } from '../../../base/storage/storageError.ts';
import type { ByteSink, WritableFolder } from '../../../base/storage/types.ts';
import { isOnHub } from './hubAccess.ts';
import { flag } from './options.ts';
import { checkWritable } from './output.ts';

/** Option of every command that writes a file. */
export const forceOption = flag('Output', 'Replaces the file if it exists.');

/** A file that a command will write. */
export interface OutputFile {
  /** Takes this file alone. It appears complete, or not at all. */
  folder: Pick<WritableFolder, 'create'>;
  file: string;
  /** Gives its name to a file that was written elsewhere on the same file system. Throws as writing it does. */
  take(from: string): Promise<void>;
}

/** How a file may be written. */
export interface OutputRules {
  /** Whether a file of that name is replaced. */
  force: boolean;
  /** Files and folders the command reads, by their options; those of a Hub are in the cache, and skipped. */
  inputs: Readonly<Record<string, string | undefined>>;
}

/**
 * A file to write: a new one, or with `force` one that is replaced, but never an input, nor anything in a folder of a
 * model. Checked now, before hours of work, and again when it is written.
 * Throws `cli.file_exists`, `cli.file_in_model`, `cli.file_is_input`, `storage.is_a_folder`, `storage.not_a_file`,
 * `storage.not_a_folder`, `storage.denied`, `storage.bad_name`.
 */
export function outputFile(path: string, { force, inputs }: OutputRules): OutputFile {
  const file = basename(path);
  const given = dirname(resolve(path));
  checkFileName(file);
  checkWritable(given);
  const check = (): void => checkTarget(realFolder(given), file, force, inputs);
  check();
  const take = (from: string) => giveName(from, given, file, force, check);
  return { file, folder: { create: () => createOutput(given, file, force, check) }, take };
}

/** The real path of a folder, of which the last parts may not exist yet. */
function realFolder(folder: string): string {
  return existsSync(folder) ? realpathSync(folder) : join(realFolder(dirname(folder)), basename(folder));
}

function checkTarget(folder: string, file: string, force: boolean, inputs: OutputRules['inputs']): void {
  const path = join(folder, file);
  const entry = lstatSync(path, { throwIfNoEntry: false });
  // A link is not followed when it is replaced; what it points to counts all the same.
  const target = entry && statSync(path, { throwIfNoEntry: false });
  if (target) checkIsFile(target, file, folder);
  const folders = new Set([folder, ...(target ? [dirname(realpathSync(path))] : [])]);
  for (const one of folders) {
    const marker = modelMarker(one);
    if (marker !== null) throw new GraftError('cli.file_in_model', { file, folder: one, marker });
  }
  for (const [option, input] of Object.entries(inputs)) {
    if (input === undefined || isOnHub(input) || !existsSync(input)) continue;
    const real = realpathSync(input);
    const isFolder = statSync(real).isDirectory();
    if (isFolder && (folder === real || folder.startsWith(real + sep)))
      throw new GraftError('cli.file_in_model', { file, folder: real, marker: `--${option}` });
    const files = isFolder ? readdirSync(real).map((name) => join(real, name)) : [real];
    const same = target && files.find((one) => isSameFile(one, target));
    if (same) throw new GraftError('cli.file_is_input', { file, input: same });
  }
  if (entry && !force) throw new GraftError('cli.file_exists', { file, folder });
}

/** Hard links and symbolic links to one file have its device and inode. */
function isSameFile(path: string, { dev, ino }: { dev: number; ino: number }): boolean {
  const info = statSync(path, { throwIfNoEntry: false });
  return info?.dev === dev && info.ino === ino;
}

const modelFiles =
  /^(?:(?:adapter_|tokenizer_|generation_)?config\.json|tokenizer\.(?:json|model)|.*\.index\.json|pytorch_model.*\.bin|adapter_model\.bin)$/;

/** A file that makes a folder one of a model or an adapter; null where there is none. */
function modelMarker(folder: string): string | null {
  if (!existsSync(folder)) return null;
  return readdirSync(folder).find((name) => modelFiles.test(name) || isWeights(folder, name)) ?? null;
}

/** Whether a file holds weights: safetensors, but for the logits that `eval` has written. */
function isWeights(folder: string, name: string): boolean {
  if (!name.endsWith('.safetensors')) return false;
  const start = Buffer.alloc(24);
  try {
    const fd = openSync(join(folder, name), 'r');
    try {
      readSync(fd, start, 0, start.byteLength, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Nobody can say that it is none.
    return true;
  }
  return !start.subarray(8).toString('latin1').startsWith('{"logits":');
}

/** Writes to a temporary name in the same folder, and gives the file its own once it is complete. */
async function createOutput(
  given: string,
  file: string,
  force: boolean,
  check: () => void,
): Promise<ByteSink> {
  // A name that `removeUnfinished` knows, in case the process is killed.
  const temporary = `.${randomUUID()}.graft-part`;
  const sink = await nodeFolder(given).create(temporary);
  return {
    write: (bytes) => naming(file, given, () => sink.write(bytes)),
    async close() {
      await sink.close();
      await giveName(join(given, temporary), given, file, force, check);
    },
    abort: () => sink.abort(),
  };
}

/** Gives a complete file its name; what cannot have it is removed. */
async function giveName(
  from: string,
  given: string,
  file: string,
  force: boolean,
  check: () => void,
): Promise<void> {
  try {
    check();
    await naming(file, given, () => (force ? rename(from, join(given, file)) : place(from, given, file)));
  } finally {
    await rm(from, { force: true });
  }
}

/** Names a file that must not replace another. */
async function place(from: string, folder: string, file: string): Promise<void> {
  const path = join(folder, file);
  try {
    await link(from, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new GraftError('cli.file_exists', { file, folder }, { cause: error });
    // A file system without hard links: the name is taken first, by a file of ours.
    const reserved = await open(path, 'wx').catch((cause: unknown) => {
      const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST';
      throw exists ? new GraftError('cli.file_exists', { file, folder }, { cause }) : cause;
    });
    await reserved.close();
    await rename(from, path);
  }
}
