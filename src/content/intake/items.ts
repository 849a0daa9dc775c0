import type { ErrorCode, ErrorParams } from '../../base/lib/errors.ts';
import type { ByteSource } from '../../base/storage/types.ts';

/** A file that was dropped, with its path in what was dropped. */
export interface IntakeFile {
  path: string;
  source: ByteSource;
}

/** Where the files of an item are: among those dropped, or in a zip among them. */
export interface ItemFiles {
  /** Paths of the files dropped, or in the zip. */
  paths: string[];
  /** The path of the zip; null for files that were dropped themselves. */
  zip: string | null;
}

/** A model folder, a PEFT folder, or a job for a cluster with the folders in it. */
export interface FolderItem extends ItemFiles {
  kind: 'model' | 'adapter' | 'job';
  /** The folder's name, or the most telling name among its files. */
  name: string;
  /** Path of the folder in what was dropped; empty for files without one. */
  folder: string;
}

/** Something that is one file. */
export interface FileItem extends ItemFiles {
  kind: 'run' | 'project' | 'recipe' | 'flags';
  name: string;
}

/** A part that a data file has among others, by its name. */
export type DataRole = 'train' | 'validation' | 'test';

/** Data files: those that were dropped at once are one item. */
export interface DataItem {
  kind: 'data';
  files: (ItemFiles & { name: string; role: DataRole | null })[];
}

/** Something that is not opened, and why. */
export interface RefusedItem {
  kind: 'refused';
  name: string;
  code: ErrorCode;
  params: ErrorParams;
}

/** What something dropped is. */
export type IntakeItem = FolderItem | FileItem | DataItem | RefusedItem;

/** What was dropped at once. */
export interface Intake {
  items: IntakeItem[];
  /** Files that are no part of what is opened, such as a README beside data. */
  unused: string[];
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return path.split('/').at(-1)!;
}

/** The path of a file's folder; empty at the top. */
export function folderOf(path: string): string {
  return path.split('/').slice(0, -1).join('/');
}
