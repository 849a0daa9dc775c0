import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GraftError } from '../../../base/lib/errors.ts';
import { writeText } from '../../../content/formats/text.ts';
import { fail, filesIn, runCli, scratchFolder, succeed } from '../../../testing/cli.ts';
import { robotStories } from '../../../testing/fixtures.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';
import { outputFile } from './outputFile.ts';

const scratch = scratchFolder();
const model = writeTinyStories(scratch);
const weights = join(model, 'model.safetensors');
const data = join(scratch, 'data.jsonl');
writeFileSync(data, readFileSync(robotStories, 'utf8').split('\n').slice(0, 3).join('\n'));

let folders = 0;
/** A new folder, with files by name and text. */
function newFolder(files: Record<string, string> = {}): string {
  const folder = join(scratch, `out-${(folders += 1)}`);
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const inputs = { model, data };
/** The code with which a file is refused; null if it is not. */
function refusal(path: string, force: boolean): string | null {
  try {
    outputFile(path, { force, inputs });
    return null;
  } catch (error) {
    if (error instanceof GraftError) return error.code;
    throw error;
  }
}
/** The same without and with `--force`. */
const refusals = (path: string) => [refusal(path, false), refusal(path, true)];
async function write(path: string, text: string, force = false): Promise<void> {
  const { folder, file } = outputFile(path, { force, inputs });
  await writeText(folder, file, text);
}

describe('an output', () => {
  it('may be a new file, in a folder that is made for it', async () => {
    const folder = newFolder();
    await write(join(folder, 'a', 'b', 'new.json'), 'new');
    expect(filesIn(folder)).toEqual(['a', 'a/b', 'a/b/new.json']);
    expect(readFileSync(join(folder, 'a', 'b', 'new.json'), 'utf8')).toBe('new');
  });

  it('replaces a file of its name only if asked to', async () => {
    const folder = newFolder({ 'mine.json': 'mine' });
    const mine = join(folder, 'mine.json');
    expect(refusals(mine)).toEqual(['cli.file_exists', null]);
    expect(readFileSync(mine, 'utf8')).toBe('mine');
    await write(mine, 'other', true);
    expect(readFileSync(mine, 'utf8')).toBe('other');
    expect(filesIn(folder)).toEqual(['mine.json']);
  });

  it('does not replace a file that came while it was written, and leaves nothing', async () => {
    const folder = newFolder();
    const { folder: out, file } = outputFile(join(folder, 'late.json'), { force: false, inputs });
    const sink = await out.create(file);
    await sink.write(new Uint8Array(3));
    writeFileSync(join(folder, 'late.json'), 'mine');
    await expect(sink.close()).rejects.toMatchObject({ code: 'cli.file_exists' });
    await sink.abort();
    expect(filesIn(folder)).toEqual(['late.json']);
    expect(readFileSync(join(folder, 'late.json'), 'utf8')).toBe('mine');
  });

  it('leaves nothing, and the file before it as it was, if it is given up', async () => {
    const folder = newFolder({ 'old.json': 'old' });
    const { folder: out, file } = outputFile(join(folder, 'old.json'), { force: true, inputs });
    const sink = await out.create(file);
    await sink.write(new Uint8Array(3));
    await sink.abort();
    expect(filesIn(folder)).toEqual(['old.json']);
    expect(readFileSync(join(folder, 'old.json'), 'utf8')).toBe('old');
  });

  it.each([
    'config.json',
    'adapter_config.json',
    'tokenizer.json',
    'x.safetensors',
    'model.safetensors.index.json',
  ])('is never in a folder with %s', (marker) => {
    const folder = newFolder({ [marker]: '{}' });
    for (const name of ['new.json', marker])
      expect(refusals(join(folder, name)), name).toEqual(['cli.file_in_model', 'cli.file_in_model']);
  });

  it('is never below an input, even in a folder yet to be made', () => {
    for (const path of [
      join(model, 'sub', 'new.json'),
      join(model, 'new.json'),
      `${model}/../tiny-stories/new.json`,
    ])
      expect(refusals(path), path).toEqual(['cli.file_in_model', 'cli.file_in_model']);
    const linked = join(newFolder(), 'linked');
    symlinkSync(model, linked);
    expect(refusals(join(linked, 'new.json'))).toEqual(['cli.file_in_model', 'cli.file_in_model']);
  });

  it('is never an input, by whatever name', () => {
    expect(refusals(data)).toEqual(['cli.file_is_input', 'cli.file_is_input']);
    const folder = newFolder();
    for (const [name, target] of [
      ['weights.bin', weights],
      ['rows', data],
    ] as const) {
      linkSync(target, join(folder, name));
      expect(refusals(join(folder, name)), name).toEqual(['cli.file_is_input', 'cli.file_is_input']);
      symlinkSync(target, join(folder, `${name}.link`));
    }
    expect(refusals(join(folder, 'rows.link'))).toEqual(['cli.file_is_input', 'cli.file_is_input']);
    // Where it points to is a model's folder.
    expect(refusals(join(folder, 'weights.bin.link'))).toEqual(['cli.file_in_model', 'cli.file_in_model']);
  });

  it('replaces a link that points nowhere only if asked to', async () => {
    const folder = newFolder();
    const dangling = join(folder, 'dangling');
    symlinkSync(join(folder, 'nowhere'), dangling);
    expect(refusals(dangling)).toEqual(['cli.file_exists', null]);
    await write(dangling, 'new', true);
    expect(readFileSync(dangling, 'utf8')).toBe('new');
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });

  it.skipIf(process.platform === 'win32')('is never a folder, a pipe or a device', () => {
    const folder = newFolder();
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(refusals(folder)).toEqual(['storage.is_a_folder', 'storage.is_a_folder']);
    expect(refusals(join(folder, 'pipe'))).toEqual(['storage.not_a_file', 'storage.not_a_file']);
    expect(refusals('/dev/null')).toEqual(['storage.not_a_file', 'storage.not_a_file']);
  });
});

describe('eval and profile', () => {
  const evaluate = ['eval', '--model', model, '--data', data, '--logits'];
  const profile = ['profile', '--model', model, '--data', data, '--trace'];

  it.each([[], ['--force']])('leave the model as it is (%s)', async (...force) => {
    const before = readFileSync(weights);
    const config = readFileSync(join(model, 'config.json'));
    expect(await fail([...evaluate, weights, ...force])).toMatch(
      /^“model\.safetensors” would be written into .*tiny-stories, which is the folder of a model/,
    );
    expect(await fail([...profile, join(model, 'config.json'), ...force])).toMatch('would be written into');
    expect(await fail([...evaluate, data, ...force])).toMatch(
      /is the same file as .*data\.jsonl, which this/,
    );
    expect(readFileSync(weights).equals(before)).toBe(true);
    expect(readFileSync(join(model, 'config.json')).equals(config)).toBe(true);
  });

  it('write logits beside earlier ones, and over them with --force', async () => {
    const folder = newFolder();
    const [first, second] = [join(folder, 'a.safetensors'), join(folder, 'b.safetensors')];
    await succeed([...evaluate, first]);
    await succeed([...evaluate, second]);
    expect(readFileSync(second).equals(readFileSync(first))).toBe(true);
    writeFileSync(second, '');
    expect(await fail([...evaluate, second])).toMatch('would be written into');
    writeFileSync(second, readFileSync(first).subarray(0, 100));
    expect(await fail([...evaluate, second])).toMatch(
      /^“b\.safetensors” already exists in .*\. Choose another name, or add --force to replace it\.$/,
    );
    await succeed([...evaluate, second, '--force']);
    expect(readFileSync(second).equals(readFileSync(first))).toBe(true);
    expect(filesIn(folder)).toEqual(['a.safetensors', 'b.safetensors']);
  });
});

it.skipIf(process.platform === 'win32')(
  'a pipe as --data is named, and so is a recipe that nests too deep',
  async () => {
    const pipe = join(newFolder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(await fail(['data', '--model', model, '--data', pipe])).toMatch(
      /^“pipe” in .* is a named pipe, not a file\. Use the path of a file\.$/,
    );
    const recipe = join(newFolder(), 'deep.json');
    writeFileSync(recipe, `${'{"a":'.repeat(500_000)}1${'}'.repeat(500_000)}`);
    const { status, stderr } = await runCli(['plan', '--model', model, '--recipe', recipe]);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr:
        'graft: File “deep.json” is nested more than 1000 levels deep. Check that this is the right file.\n',
    });
  },
);
