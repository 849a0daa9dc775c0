import { join, posix } from 'node:path';
import { nodeDirectory } from '../../../base/storage/nodeDirectory.ts';
import type { Directory } from '../../../base/storage/types.ts';
import { jobFile } from '../../../content/job/jobFile.ts';
import type { JobSource } from '../../../content/job/jobFolder.ts';

/** A job folder that is read. */
export function jobSource(path: string): JobSource {
  const root = nodeDirectory(path);
  return {
    name: root.name,
    // Without its description it is no job, whatever else is in it.
    paths: async () => ((await root.list()).includes(jobFile) ? pathsIn(root, '') : []),
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
