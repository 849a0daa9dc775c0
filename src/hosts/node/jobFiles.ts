import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of the files that are the same in every job for a cluster. */
export const jobFilesFolder = fileURLToPath(new URL('../../content/job/files/', import.meta.url));

/** Those files by their paths, with slashes, as hosts/browser/jobFiles.ts has them. */
export function readJobFiles(): Record<string, string> {
  const paths = readdirSync(jobFilesFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`.slice(jobFilesFolder.length).replace(/^[\\/]/, ''))
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.includes('__pycache__'))
    .sort();
  return Object.fromEntries(paths.map((path) => [path, readFileSync(jobFilesFolder + path, 'utf8')]));
}
