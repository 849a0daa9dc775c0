import { GraftError } from '../lib/errors.ts';
import { blobSource } from './byteSource.ts';
import type { Folder } from './types.ts';

/**
 * A dropped or picked file. `path` is its path within what was dropped (`my-model/config.json`): passed separately,
 * since a File loses its `webkitRelativePath` when posted to a worker.
 */
export interface PickedFile {
  path: string;
  file: File;
}

/** Files that mark the intended folder among several, in order of precedence. */
const markers = ['config.json', 'adapter_config.json'];

/**
 * A flat folder of dropped or picked files, read by slices. Of nested folders, selects the one whose config.json (or
 * adapter_config.json) is nearest the top, and only the files beside it; without either, the topmost folder. Throws
 * `storage.several_folders` if two are equally near, and `storage.duplicate_file`.
 */
export function fileFolder(picked: Iterable<File | PickedFile>, name?: string): Folder {
  const folders = groupByFolder(picked);
  const path = chooseFolder(folders);
  const files = folders.get(path) ?? new Map<string, File>();
  const title = name ?? (path.split('/').at(-1) || 'dropped files');
  return {
    name: title,
    async list() {
      return [...files.keys()].sort();
    },
    async open(file) {
      const found = files.get(file);
      if (found === undefined) throw new GraftError('storage.not_found', { file, folder: title });
      return blobSource(file, found);
    },
  };
}

function groupByFolder(picked: Iterable<File | PickedFile>): Map<string, Map<string, File>> {
  const folders = new Map<string, Map<string, File>>();
  for (const item of picked) {
    const { path, file } = 'path' in item ? item : { path: item.webkitRelativePath || item.name, file: item };
    const parts = path.split('/').filter((part) => part !== '');
    const base = parts.pop() ?? file.name;
    const folder = parts.join('/');
    const files = folders.get(folder) ?? new Map<string, File>();
    if (files.has(base)) throw new GraftError('storage.duplicate_file', { file: path });
    folders.set(folder, files.set(base, file));
  }
  return folders;
}

function chooseFolder(folders: Map<string, Map<string, File>>): string {
  const depth = (path: string): number => (path === '' ? 0 : path.split('/').length);
  const byDepth = [...folders.keys()].sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
  for (const marker of markers) {
    const [first, second] = byDepth.filter((path) => folders.get(path)?.has(marker));
    if (first === undefined) continue;
    if (second !== undefined && depth(second) === depth(first)) {
      throw new GraftError('storage.several_folders', { first, second, marker });
    }
    return first;
  }
  return byDepth[0] ?? '';
}
