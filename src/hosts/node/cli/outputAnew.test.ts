import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeText } from '../../../content/formats/text.ts';
import { filesIn, scratchFolder } from '../../../testing/cli.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { withOutputAnew, type AnewSink } from './outputAnew.ts';

const scratch = scratchFolder();

/** Writes a file and one in a folder, and fails before the second one where it should. */
const write = (cut: boolean) => async (sink: AnewSink) => {
  await writeText(sink, 'a.txt', 'a');
  const other = await sink.create('rows/b.txt');
  await other.write(new TextEncoder().encode('b'));
  // As a killed process does, it leaves what it has begun.
  if (cut) throw new Error('cut off');
  await other.close();
};

it('what was cut off is written anew, and nothing else is there in the end', async () => {
  const out = join(scratch, 'out');
  await expect(withOutputAnew(out, write(true))).rejects.toThrow('cut off');
  expect(filesIn(out).length).toBe(4);
  await withOutputAnew(out, write(false));
  expect(filesIn(out)).toEqual(['a.txt', 'rows', 'rows/b.txt']);
  await expectGraftError(() => withOutputAnew(out, write(false)), 'cli.output_exists');
});

it('files that it did not write stay, and are in its way', async () => {
  const out = join(scratch, 'mine');
  await expect(withOutputAnew(out, write(true))).rejects.toThrow('cut off');
  writeFileSync(join(out, 'mine.txt'), 'mine');
  await expectGraftError(() => withOutputAnew(out, write(false)), 'cli.output_exists');
  expect(existsSync(join(out, 'mine.txt'))).toBe(true);
});

it('a list that others wrote removes nothing elsewhere', async () => {
  const [out, elsewhere] = [join(scratch, 'foreign'), join(scratch, 'elsewhere')];
  for (const folder of [out, elsewhere]) mkdirSync(folder);
  writeFileSync(join(elsewhere, 'kept.txt'), 'kept');
  symlinkSync(elsewhere, join(out, 'link'));
  const names = [
    '../elsewhere/kept.txt',
    join(elsewhere, 'kept.txt'),
    'link/kept.txt',
    'a/../../elsewhere/kept.txt',
  ];
  for (const list of [JSON.stringify(names), '{}', 'null', '']) {
    writeFileSync(join(out, '.graft-unfinished'), list);
    await withOutputAnew(out, async () => undefined);
    expect(existsSync(join(elsewhere, 'kept.txt'))).toBe(true);
    expect(existsSync(join(out, '.graft-unfinished'))).toBe(false);
  }
});
