import { GraftError } from '../../base/lib/errors.ts';
import { jobFile } from '../job/jobFile.ts';
import type { FolderItem, IntakeFile, RefusedItem } from './items.ts';
import { folderOf, nameOf } from './items.ts';

const CONFIG = 'config.json';
const ADAPTER_CONFIG = 'adapter_config.json';
/** Names that no model's own file has: data beside a model is data. */
const DATA = /\.(jsonl|ndjson|csv|tsv|parquet)(\.(gz|zst))?$/i;
const MAX_CONFIG = 4 << 20;
const PICKLED = /\.(bin|pt|pth|ckpt|pkl)$/i;
const WEIGHTS = /\.safetensors(\.index\.json)?$/;

/**
 * The jobs, model folders and PEFT folders among files, each with the files beside its configuration, and what is left. A
 * folder in a folder counts as well, and several do.
 * @param zip the path of the zip that the files are in
 */
export async function foldersOf(
  files: readonly IntakeFile[],
  zip: string | null,
): Promise<{ folders: (FolderItem | RefusedItem)[]; rest: IntakeFile[] }> {
  const jobs = jobsOf(files, zip);
  const inJobs = new Set(jobs.flatMap(({ paths }) => paths));
  const byFolder = new Map<string, IntakeFile[]>();
  for (const file of files) {
    if (inJobs.has(file.path)) continue;
    const folder = folderOf(file.path);
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), file]);
  }
  const folders: (FolderItem | RefusedItem)[] = [...jobs];
  const rest: IntakeFile[] = [];
  for (const [folder, all] of byFolder) {
    const names = all.map(({ path }) => nameOf(path));
    const kind = kindOf(names);
    if (kind === null || (kind === 'model' && !(await isModel(all, names)))) {
      rest.push(...all);
      continue;
    }
    const own = all.filter(({ path }) => !DATA.test(path) && !nameOf(path).startsWith('.'));
    rest.push(...all.filter(({ path }) => DATA.test(path)));
    const name = folder === '' ? nameWithout(zip, names, kind) : nameOf(folder);
    const pickled = names.find(
      (file) => PICKLED.test(file) && !/^(optimizer|scheduler|rng|training)/.test(file),
    );
    if (pickled !== undefined && !names.some((file) => WEIGHTS.test(file))) {
      const { code, params } = new GraftError('intake.pickle', { file: `${name}/${pickled}` });
      folders.push({ kind: 'refused', name, code, params });
      continue;
    }
    folders.push({ kind, name, folder, paths: own.map(({ path }) => path), zip });
  }
  // A folder in a model's folder belongs to it: other forms of the same model, examples, code.
  const outer = folders.flatMap((item) => (item.kind === 'model' && item.folder !== '' ? [item.folder] : []));
  return {
    folders,
    rest: rest.filter(
      ({ path }) => DATA.test(path) || !outer.some((folder) => path.startsWith(`${folder}/`)),
    ),
  };
}

/** Jobs for a cluster: each is a folder with all that is in it. */
function jobsOf(files: readonly IntakeFile[], zip: string | null): FolderItem[] {
  const names = new Set(files.map(({ path }) => path));
  const inFolder = (folder: string, file: string): string => (folder === '' ? file : `${folder}/${file}`);
  const roots = files
    .filter(({ path }) => nameOf(path) === jobFile)
    .map(({ path }) => folderOf(path))
    .filter((folder) => names.has(inFolder(folder, 'schedule.json')));
  return roots.map((folder) => ({
    kind: 'job',
    name: folder === '' ? nameWithout(zip, [], 'job') : nameOf(folder),
    folder,
    paths: files.map(({ path }) => path).filter((path) => path.startsWith(inFolder(folder, ''))),
    zip,
  }));
}

/** By the names that transformers and PEFT give; what is in the files shows when they are opened. */
function kindOf(names: readonly string[]): 'model' | 'adapter' | null {
  const hasModel = names.includes(CONFIG);
  if (names.includes(ADAPTER_CONFIG)) return hasModel && names.some(isModelWeights) ? 'model' : 'adapter';
  if (hasModel) return 'model';
  return null;
}

/** Other programs have a config.json as well: without weights beside it, it must speak of a model. */
async function isModel(files: readonly IntakeFile[], names: readonly string[]): Promise<boolean> {
  if (names.some((name) => isModelWeights(name) || PICKLED.test(name))) return true;
  const config = files.find(({ path }) => nameOf(path) === CONFIG)!.source;
  if (config.size > MAX_CONFIG) return false;
  const text = new TextDecoder().decode(await config.read(0, config.size));
  return /"(model_type|architectures)"/.test(text);
}

function isModelWeights(name: string): boolean {
  return WEIGHTS.test(name) && !name.startsWith('adapter_');
}

/** A name for files without a folder: the zip's, or that of the only weights, if it says more than "model". */
function nameWithout(zip: string | null, names: readonly string[], kind: string): string {
  if (zip !== null) return nameOf(zip).replace(/\.zip$/i, '');
  const weights = names.filter((name) => name.endsWith('.safetensors'));
  return weights.length === 1 ? weights[0]!.replace(/\.safetensors$/, '') : kind;
}
