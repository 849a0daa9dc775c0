import { join, posix } from 'node:path';
import { nodeDirectory } from '../../../base/storage/nodeDirectory.ts';
import type { OwnedFolder } from '../../../base/storage/ownedFolder.ts';
import type { Directory } from '../../../base/storage/types.ts';
import type { JobSink, JobSource } from '../../../content/job/jobFolder.ts';

/** A job folder that is written to an output folder which this process owns. */
export function jobSink(out: OwnedFolder, path: string): JobSink {
  return {
    async create(file) {
      const { dir, base } = posix.parse(file);
      if (dir === '') return out.create(base);
      await out.checkOwner();
      return nodeDirectory(join(path, dir)).create(base);
    },
  };
}

/** A job folder that is read. */
export function jobSource(path: string): JobSource {
  const root = nodeDirectory(path);
  return {
    name: root.name,
    paths: () => pathsIn(root, ''),
    open(file) {
      const { dir, base } = posix.parse(file);
      return nodeDirectory(join(path, dir)).open(base);
    },
  };
}

async function pathsIn(directory: Directory, prefix: string): Promise<string[]> {
  const found = (await directory.list()).map((file) => prefix + file);
  for (const name of await directory.directories())
    found.push(...(await pathsIn(await directory.directory(name), `${prefix}${name}/`)));
  return found;
}
