import { GraftError } from '../../base/lib/errors.ts';
import { showReordering } from '../../base/lib/visibleText.ts';
import type { DroppedFile } from '../../hosts/browser/intakeProtocol.ts';

/** The files of an `<input type="file">`, with their paths if a folder was chosen. */
export function filesOfInput(input: HTMLInputElement): DroppedFile[] {
  return Array.from(input.files ?? [], (file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** How deep a dropped folder is searched: a model may be in nested folders, but not in a whole home directory. */
const MAX_DEPTH = 4;
/** A model folder has some dozens of files; a thousand is another kind of folder. */
const MAX_FILES = 2000;

/**
 * The files of a drop, including folders; those nested deeper than a model's are left out. Throws `intake.too_many`. Must be called within the drop event, whose data is gone afterwards. Works in
 * Chrome, Firefox and Safari, which all have `webkitGetAsEntry`.
 */
export async function filesOfDrop(transfer: DataTransfer): Promise<DroppedFile[]> {
  const entries: FileSystemEntry[] = [];
  const files: DroppedFile[] = [];
  for (const item of Array.from(transfer.items)) {
    if (item.kind !== 'file') continue;
    const entry = item.webkitGetAsEntry();
    const file = entry ? null : item.getAsFile();
    if (entry) entries.push(entry);
    else if (file) files.push({ path: file.name, file });
  }
  for (const entry of entries) await walk(entry, entry.name, 0, files);
  return files;
}

/**
 * The only folder of a drop, as a handle that can be stored; null in browsers without handles. Must be called within the
 * drop event.
 */
export async function folderOfDrop(transfer: DataTransfer): Promise<FileSystemDirectoryHandle | null> {
  const [item, ...others] = Array.from(transfer.items).filter(({ kind }) => kind === 'file');
  if (!item || others.length > 0 || !item.getAsFileSystemHandle) return null;
  const handle = await item.getAsFileSystemHandle().catch(() => null);
  return handle?.kind === 'directory' ? (handle as FileSystemDirectoryHandle) : null;
}

async function walk(
  entry: FileSystemEntry,
  path: string,
  depth: number,
  files: DroppedFile[],
): Promise<void> {
  if (files.length >= MAX_FILES) throw new GraftError('intake.too_many', { limit: MAX_FILES });
  if (isFileEntry(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    files.push({ path, file });
  } else if (isDirectoryEntry(entry) && depth < MAX_DEPTH) {
    const reader = entry.createReader();
    // readEntries returns at most 100 at a time, and none at the end.
    for (;;) {
      const batch = await new Promise<FileSystemEntry[]>((resolve, reject) =>
        reader.readEntries(resolve, reject),
      );
      if (batch.length === 0) return;
      for (const child of batch) await walk(child, `${path}/${child.name}`, depth + 1, files);
    }
  }
}

function isFileEntry(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isDirectoryEntry(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

/** Offers `file` for download under `name`, through a link. */
export function downloadFile(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  // A name of others must not read as another one; backslashes are no part of names.
  link.download = showReordering(name).replaceAll('\\', '_');
  document.body.append(link);
  link.click();
  link.remove();
  // The browser reads a large file long after the click; after a minute it has certainly started, and holds its own
  // reference.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
