import { openAsBlob } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { GraftError } from '../../../base/lib/errors.ts';
import { nodeFolder } from '../../../base/storage/nodeFolder.ts';
import { isPublished, type PublishedKind } from '../../../content/formats/publishedFiles.ts';
import { refuseLocalPaths } from '../../../content/hub/localPaths.ts';
import { bytesText } from './downloadReporter.ts';
import { ask, log } from './terminal.ts';

/** What of a folder is published, and what stays. */
export interface Publication {
  kind: PublishedKind;
  files: Map<string, Blob>;
  /** Files, links and folders that are not among those of an adapter or a model. */
  left: string[];
}

/**
 * The files of a folder that a push sends: those of an adapter or of a model, by name.
 * @param pathsAllowed whether local paths in them may be published
 * Throws `cli.nothing_to_push`, `cli.push_link` for a link in place of such a file, and `hub.push_local_path`.
 */
export async function publicationOf(folder: string, pathsAllowed: boolean): Promise<Publication> {
  // Named errors for a folder that is missing, or none.
  const names = await nodeFolder(folder).list();
  const kind = kindOf(names, folder);
  const entries = (await readdir(folder)).sort();
  const files = new Map<string, Blob>();
  for (const name of entries.filter((entry) => isPublished(kind, entry))) {
    const path = join(folder, name);
    // What a link leads to may be anything on this machine.
    if (!(await lstat(path)).isFile()) throw new GraftError('cli.push_link', { file: name, folder });
    files.set(name, await openAsBlob(path));
  }
  if (!pathsAllowed) await refuseLocalPaths(files, rootsAround(folder));
  return { kind, files, left: entries.filter((entry) => !files.has(entry)) };
}

/** Paths that say something of this machine: the home folder, the current one, and the folder's own. */
function rootsAround(folder: string): string[] {
  return [homedir(), process.cwd(), dirname(resolve(folder))].filter((root) => dirname(root) !== root);
}

/** What is in the folder. Throws `cli.nothing_to_push`. */
function kindOf(names: readonly string[], folder: string): PublishedKind {
  if (names.includes('adapter_config.json')) return 'adapter';
  if (names.includes('config.json') && names.some((name) => name.endsWith('.safetensors'))) return 'model';
  throw new GraftError('cli.nothing_to_push', { folder });
}

/** Lists on stderr what is sent and what is not. */
export function showPublication({ files, left }: Publication, repo: string): void {
  const total = [...files.values()].reduce((sum, { size }) => sum + size, 0);
  log(`To ${repo}: ${files.size} files, ${bytesText(total)}.`);
  for (const [name, { size }] of files) log(`  ${name}  ${bytesText(size)}`);
  if (left.length > 0) log(`Not sent: ${left.join(', ')}.`);
}

/** Asks at a terminal whether to go on; elsewhere there is nobody to ask. Throws `cli.push_declined`. */
export async function confirmPush(): Promise<void> {
  const answer = await ask('Push these files? [y/N] ');
  if (answer !== null && !/^y(?:es)?$/i.test(answer.trim())) throw new GraftError('cli.push_declined');
}
