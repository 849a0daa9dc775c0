import { GraftError } from '../../base/lib/errors.ts';
import type { Folder } from '../../base/storage/types.ts';

/** Files as they lie in a folder: name → size and version. */
type FolderState = Map<string, string>;

/**
 * Runs the proof of a merge and `finish` after it, and checks that the folder is still as it was when the proof began: then
 * the proof is of what is there. `finish` may add what is not among the files.
 * @param files those of the merge; other weights in the folder count too, since a reader may take them for its own
 * Throws `merge.changed_since`, and what `prove` and `finish` throw.
 */
export async function provedAsItLies<Proof>(
  folder: Folder,
  files: readonly string[],
  prove: () => Promise<Proof>,
  finish: (proof: Proof) => Promise<void>,
): Promise<Proof> {
  const before = await stateOf(folder, files);
  const proof = await prove();
  checkSame(before, await stateOf(folder, files), folder);
  await finish(proof);
  checkSame(before, await stateOf(folder, files), folder);
  return proof;
}

async function stateOf(folder: Folder, files: readonly string[]): Promise<FolderState> {
  const state: FolderState = new Map();
  for (const name of await folder.list()) {
    if (!files.includes(name) && !name.endsWith('.safetensors')) continue;
    const { size, version = '' } = await folder.open(name);
    state.set(name, `${size} ${version}`);
  }
  return state;
}

function checkSame(before: FolderState, after: FolderState, { name: folder }: Folder): void {
  for (const file of new Set([...before.keys(), ...after.keys()])) {
    if (before.get(file) !== after.get(file)) throw new GraftError('merge.changed_since', { folder, file });
  }
}
