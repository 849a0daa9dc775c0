import { GraftError } from '../../base/lib/errors.ts';
import { projectFile } from '../projects/projectFile.ts';
import { headerFile } from '../runs/exportRun.ts';
import { roleOf } from './dataRoles.ts';
import { foldersOf } from './folders.ts';
import type { DataItem, Intake, IntakeFile, IntakeItem, RefusedItem } from './items.ts';
import { nameOf } from './items.ts';
import { sortOf } from './kinds.ts';
import { filesOfZip } from './unpack/zipFiles.ts';

/** Files beside data or a model that nobody means to open: they are named as such. */
const ASIDE =
  /^(readme|license|licence|notice|changelog|copying|citation)(\.|$)|^\.|^dataset_infos?\.json$|^(state|dataset_dict)\.json$|\.(py|ipynb|png|jpe?g|gif|svg|lock)$/i;

/**
 * Says what was dropped, by content: model folders, PEFT folders, exports of Graft, recipes, data files, zips of any of
 * them, and what cannot be opened, with what to do instead. Reads the beginnings of files, and the directories of zips.
 * The place where something was dropped is no part of the question. Throws what reading throws.
 */
export async function sniffFiles(files: readonly IntakeFile[]): Promise<Intake> {
  const found = await sniffTogether(files, null);
  return { items: joined(found.items), unused: found.unused };
}

async function sniffTogether(files: readonly IntakeFile[], zip: string | null): Promise<Intake> {
  const { folders, rest } = await foldersOf(files, zip);
  const items: IntakeItem[] = [...folders];
  const unused: string[] = [];
  // Beside others they are not meant; alone they are.
  const mayBeAside = folders.length > 0 || rest.some(({ path }) => !ASIDE.test(nameOf(path)));
  for (const file of rest) {
    const name = nameOf(file.path);
    if (mayBeAside && ASIDE.test(name)) unused.push(file.path);
    else {
      const found = await sniffOne(file, zip);
      items.push(...found.items);
      unused.push(...found.unused);
    }
  }
  return { items, unused };
}

async function sniffOne(file: IntakeFile, zip: string | null): Promise<Intake> {
  const name = nameOf(file.path);
  const one = (items: IntakeItem[]): Intake => ({ items, unused: [] });
  const sort = await sortOf(file.source);
  if (typeof sort === 'object') return one([refusal(name, sort.refused)]);
  const files = { paths: [file.path], zip };
  if (sort === 'data') return one([{ kind: 'data', files: [{ ...files, name, role: roleOf(file.path) }] }]);
  if (sort === 'recipe' || sort === 'flags') return one([{ kind: sort, name, ...files }]);
  // The file is a whole model, with its tokenizer.
  if (sort === 'gguf')
    return one([{ kind: 'model', name: name.replace(/\.gguf$/i, ''), folder: '', ...files }]);
  if (sort === 'weights') return one([refusal(name, new GraftError('intake.weights_alone', { file: name }))]);
  if (zip !== null) return one([refusal(name, new GraftError('intake.zip_in_zip', { file: name }))]);
  return sniffZip(file);
}

async function sniffZip({ path, source }: IntakeFile): Promise<Intake> {
  const name = nameOf(path);
  try {
    const inside = await filesOfZip(source);
    const has = (file: string) => inside.some((entry) => nameOf(entry.path) === file);
    if (has(headerFile)) return { items: [{ kind: 'run', name, paths: [path], zip: null }], unused: [] };
    if (has(projectFile)) return { items: [{ kind: 'project', name, paths: [path], zip: null }], unused: [] };
    const found = await sniffTogether(inside, path);
    if (found.items.length > 0) return found;
    throw new GraftError('intake.zip_empty', { file: name });
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    return { items: [refusal(name, error)], unused: [] };
  }
}

function refusal(name: string, { code, params }: GraftError): RefusedItem {
  return { kind: 'refused', name, code, params };
}

/** Data files that came together are one item. */
function joined(items: readonly IntakeItem[]): IntakeItem[] {
  const data = items.filter((item): item is DataItem => item.kind === 'data');
  const others = items.filter((item) => item.kind !== 'data');
  if (data.length === 0) return others;
  const files = data.flatMap((item) => item.files);
  return [...others, { kind: 'data', files: files.sort((a, b) => compareNames(a.paths[0]!, b.paths[0]!)) }];
}

/** As people count: part-2 before part-10. */
function compareNames(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
