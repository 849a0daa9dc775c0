import { existsSync, lstatSync } from 'node:fs';
import { join, posix } from 'node:path';
import * as v from 'valibot';
import { isPlainFileName } from '../../../base/lib/fileName.ts';
import { nodeFolder } from '../../../base/storage/nodeFolder.ts';
import type { OwnedFolder } from '../../../base/storage/ownedFolder.ts';
import type { ByteSink } from '../../../base/storage/types.ts';
import { readJson, writeText } from '../../../content/formats/text.ts';
import { checkEmpty, withOutput } from './output.ts';

/** Names the files that a command is writing; gone once all of them are whole. */
const unfinishedFile = '.graft-unfinished';

const namesSchema = v.array(v.string());

/** Where a folder's files are written to; a path may have one folder in it: `rows/00000.parquet`. */
export interface AnewSink {
  create(path: string): Promise<ByteSink>;
}

/**
 * Runs `work` as the owner of an output folder that it writes all files of: a new or an empty one, or one in which an earlier
 * start was cut off. What that has left is removed, other files are not.
 * Throws what `withOutput` and `checkEmpty` throw, before anything of the work.
 */
export function withOutputAnew<T>(path: string, work: (sink: AnewSink) => Promise<T>): Promise<T> {
  return withOutput(path, async (out) => {
    await removeLeft(out, path);
    await checkEmpty(out, path);
    return writeAnew(out, path, work);
  });
}

async function writeAnew<T>(
  out: OwnedFolder,
  path: string,
  work: (sink: AnewSink) => Promise<T>,
): Promise<T> {
  const names: string[] = [];
  const result = await work({
    async create(file) {
      names.push(file);
      await writeText(out, unfinishedFile, JSON.stringify(names));
      const { dir, base } = posix.parse(file);
      if (dir === '') return out.create(base);
      await out.checkOwner();
      return nodeFolder(join(path, dir)).create(base);
    },
  });
  if (names.length > 0) await out.remove(unfinishedFile);
  return result;
}

/** Removes what an earlier start was writing. Nobody knows who wrote the list: it names files of this folder, or nothing. */
async function removeLeft(out: OwnedFolder, path: string): Promise<void> {
  if (!(await out.list()).includes(unfinishedFile)) return;
  const names = v.safeParse(namesSchema, await readJson(out, unfinishedFile).catch(() => null));
  const files = names.success ? names.output.map((name) => posix.parse(name)) : [];
  for (const { dir, base } of files) {
    const isPlain = isPlainFileName(base) && (dir === '' || isPlainFileName(dir));
    const folder = join(path, dir);
    // Not through a link.
    if (!isPlain || (dir !== '' && !lstatSync(folder, { throwIfNoEntry: false })?.isDirectory())) continue;
    await out.checkOwner();
    const left = nodeFolder(folder);
    await left.removeUnfinished?.();
    if (existsSync(join(folder, base))) await left.remove(base);
  }
  await out.remove(unfinishedFile);
}
