import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { robotStories } from './fixtures.ts';

/**
 * Writes the first `rows` of the robot stories into `folder`, for runs of a few steps: reading and tokenizing all of them takes
 * longer than such a run. Returns the file's path.
 */
export function writeFewStories(folder: string, rows = 24): string {
  const path = join(folder, `${rows}-robot-stories.jsonl`);
  const lines = readFileSync(robotStories, 'utf8').split('\n').slice(0, rows);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}
