import { GraftError } from '../lib/errors.ts';
import { blobSource } from '../storage/byteSource.ts';
import { directoryHandleFolder } from '../storage/directoryHandleFolder.ts';
import { fileFolder } from '../storage/fileFolder.ts';
import type { ByteSource, Folder } from '../storage/types.ts';
import { bundledFolder } from './bundledFolder.ts';
import { openModelCache } from './cachePlace.ts';
import type { HubLink } from './hubLink.ts';
import type { DataSource } from './dataProtocol.ts';
import type { ModelSource } from './protocol.ts';

/** The folder that a source stands for. Throws `storage.not_found` for a download that is no longer there. */
export async function folderOf(source: ModelSource, hub: HubLink): Promise<Folder> {
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
      return downloaded(source);
    case 'bundled':
      return bundledFolder(source.name, source.url);
  }
}

/** The bytes of a data file. Throws `storage.not_found` for a download that is no longer there. */
export async function dataSourceOf(source: DataSource): Promise<ByteSource> {
  if (source.kind === 'file') return blobSource(source.file.name, source.file);
  return (await downloaded(source)).open(source.path);
}

async function downloaded(place: { host: string; repo: string; commit: string }): Promise<Folder> {
  const { host, repo, commit } = place;
  const folder = await (await openModelCache()).open(host, repo, commit);
  if (folder === null) throw new GraftError('storage.not_found', { file: repo, folder: 'the downloads' });
  return folder;
}
