import { existsSync, statSync } from 'node:fs';
import { journalFile } from '../merge/mergeJournal.ts';
import { nodeDirectory } from '../storage/nodeDirectory.ts';
import type { Directory } from '../storage/types.ts';
import { outputFolder } from './output.ts';

/** The folder a merge writes to: new, empty, or with an unfinished merge in it. Throws what `outputFolder` throws. */
export async function mergeOutput(path: string): Promise<Directory> {
  const directory = nodeDirectory(path);
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  if (!(isFolder && (await directory.list()).includes(journalFile))) await outputFolder(path);
  return directory;
}
