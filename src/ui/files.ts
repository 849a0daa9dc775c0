import type { PathFile } from '../store/modelFiles.ts';

/** The files of an `<input type="file">`, with their paths where a folder was chosen. */
export function filesOfInput(input: HTMLInputElement): PathFile[] {
  return Array.from(input.files ?? [], (file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** How deep a dropped folder is searched: a model may lie in a folder of folders, but not below a whole home. */
const MAX_DEPTH = 4;
/** A model folder has some dozens of files; a thousand is another kind of folder. */
const MAX_FILES = 2000;

/**
 * The files of a drop, folders walked. Must be called within the drop event, whose data is gone afterwards.
 * Works in Chrome, Firefox and Safari, which all have `webkitGetAsEntry`.
 */
export async function filesOfDrop(transfer: DataTransfer): Promise<PathFile[]> {
  const entries: FileSystemEntry[] = [];
  const files: PathFile[] = [];
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

async function walk(entry: FileSystemEntry, path: string, depth: number, files: PathFile[]): Promise<void> {
  if (files.length >= MAX_FILES) return;
  if (isFileEntry(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    files.push({ path, file });
  } else if (isDirectoryEntry(entry) && depth < MAX_DEPTH) {
    const reader = entry.createReader();
    // readEntries gives at most 100 at a time, and none at the end.
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

/** What a set of files is, by its names. */
export function kindOfFiles(files: readonly PathFile[]): 'model' | 'adapter' | 'data' | 'nothing' {
  const names = files.map(({ path }) => path.split('/').at(-1) ?? path);
  if (names.includes('adapter_config.json') && !names.includes('config.json')) return 'adapter';
  if (names.includes('config.json') || names.some((name) => name.endsWith('.safetensors'))) return 'model';
  if (names.length === 0) return 'nothing';
  return names.length === 1 ? 'data' : 'model';
}

/** Offers `file` for download under `name`, through a link as every browser knows it. */
export function downloadFile(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // The browser reads a large file long after the click; a minute later it has surely begun, and keeps its own hold.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
