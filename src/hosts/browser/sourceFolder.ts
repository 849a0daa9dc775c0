import { GraftError } from '../../base/lib/errors.ts';
import { blobSource, renamedSource } from '../../base/storage/byteSource.ts';
import { directoryHandleFolder } from '../../base/storage/directoryHandleFolder.ts';
import { fileFolder } from '../../base/storage/fileFolder.ts';
import type { ByteSource, Folder } from '../../base/storage/types.ts';
import { presentGguf } from '../../content/formats/gguf/ggufFolder.ts';
import { bundledFolder } from './bundledFolder.ts';
import { openModelCache } from './openModelCache.ts';
import type { HubLink } from './hubLink.ts';
import type { DataSource } from './dataProtocol.ts';
import type { ModelSource } from './messages.ts';

/**
 * Opens a source as a folder; a GGUF file as the folder of its model. Throws `storage.not_found` for a download that was
 * removed, and `formats.gguf_*`.
 */
export async function folderOf(source: ModelSource, hub: HubLink): Promise<Folder> {
  return presentGguf(await openedFolder(source, hub));
}

async function openedFolder(source: ModelSource, hub: HubLink): Promise<Folder> {
  switch (source.kind) {
    case 'files':
      return fileFolder(source.files, source.name);
    case 'directory':
      return directoryHandleFolder(source.handle, source.name);
    case 'hub': {
      const { repo, commit, license } = source;
      return { ...hub.folder(source), origin: { repo, commit, license } };
    }
    case 'cached':
      return onlyGguf(await downloaded(source), source.gguf);
    case 'bundled':
      return bundledFolder(source.name, source.url);
  }
}

/** A folder of GGUF files as one of the chosen one alone, which has its own name there. */
function onlyGguf(folder: Folder, gguf: string | undefined): Folder {
  if (gguf === undefined) return folder;
  return {
    ...folder,
    list: () => Promise.resolve([gguf]),
    open: async () => renamedSource(await folder.open(gguf), gguf),
  };
}

/** The bytes of a data file. Throws `storage.not_found` for a download that was removed. */
export async function dataSourceOf(source: Exclude<DataSource, { kind: 'kept' }>): Promise<ByteSource> {
  if (source.kind === 'file') return blobSource(source.file.name, source.file);
  return (await downloaded(source)).open(source.path);
}

async function downloaded({
  host,
  repo,
  commit,
}: {
  host: string;
  repo: string;
  commit: string;
}): Promise<Folder> {
  const folder = await (await openModelCache()).open(host, repo, commit);
  if (folder === null) throw new GraftError('storage.not_found', { file: repo, folder: 'the downloads' });
  return folder;
}
