import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fail, runCli, scratchFolder } from '../../../testing/cli.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { goldenPath, starter } from '../../../testing/fixtures.ts';
import { pythonJson } from '../../../content/formats/pythonJson.ts';
import { publicationOf } from './publishing.ts';

const scratch = scratchFolder();
const secret = join(scratch, 'secret.txt');
writeFileSync(secret, 'do not publish');
let count = 0;

/** A copy of an adapter or a model with further files. */
function folderOf(from: string, files: Record<string, string> = {}): string {
  const folder = join(scratch, `folder${(count += 1)}`);
  cpSync(from, folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const adapter = goldenPath('tiny-qwen2-lora', 'init_adapter');
const stray = {
  '.env': 'HF_TOKEN=hf_x',
  'notes.txt': 'mine',
  'data.jsonl': '{}',
  'train.csv': 'a',
  'optimizer.pt': 'x',
  id_rsa: 'x',
  'README.md~': 'x',
};

describe('what of a folder is published', () => {
  it('are the files of an adapter alone', async () => {
    const folder = folderOf(adapter, { ...stray, 'training.json': '{}', 'README.md': '# Adapter' });
    mkdirSync(join(folder, 'checkpoints'));
    const { kind, files, left } = await publicationOf(folder, false);
    expect(kind).toBe('adapter');
    expect([...files.keys()]).toEqual([
      'README.md',
      'adapter_config.json',
      'adapter_model.safetensors',
      'training.json',
    ]);
    expect(left).toEqual([...Object.keys(stray), 'checkpoints'].sort());
  });

  it('are the files of a model alone', async () => {
    const folder = folderOf(starter, {
      ...stray,
      'chat_template.jinja': 'x',
      LICENSE: 'x',
      'modeling_qwen.py': 'x',
    });
    const { kind, files, left } = await publicationOf(folder, false);
    expect(kind).toBe('model');
    expect([...files.keys()]).toEqual([
      'LICENSE',
      'README.md',
      'chat_template.jinja',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'modeling_qwen.py',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect(left).toEqual(Object.keys(stray).sort());
  });

  it.each(['README.md', 'training.json', 'adapter_model.int8.safetensors', 'LICENSE'])(
    'is never behind a link: %s',
    async (name) => {
      const folder = folderOf(adapter);
      symlinkSync(secret, join(folder, name));
      await expectGraftError(() => publicationOf(folder, true), 'cli.push_link', { file: name, folder });
    },
  );

  it('has no other links either, wherever they lead', async () => {
    const folder = folderOf(adapter);
    symlinkSync(secret, join(folder, 'notes.txt'));
    symlinkSync(scratch, join(folder, 'all'));
    symlinkSync(join(folder, 'adapter_config.json'), join(folder, 'copy.json'));
    const { files, left } = await publicationOf(folder, false);
    expect([...files.keys()]).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    expect(left).toEqual(['all', 'copy.json', 'notes.txt']);
  });

  it.each([
    ['training.json', JSON.stringify({ data: { file: join(homedir(), 'clients', 'x.jsonl') } })],
    ['README.md', `Trained on \`${join(process.cwd(), 'x.jsonl')}\`.`],
    ['adapter_config.json', JSON.stringify({ base_model_name_or_path: join(scratch, 'models', 'base') })],
    // After one that only begins the same way.
    ['LICENSE.md', `${homedir()}-of-others/x and ${join(homedir(), 'x')}`],
  ])('holds no path of this machine, unless that is allowed: %s', async (name, text) => {
    const folder = folderOf(adapter, { [name]: text });
    await expectGraftError(() => publicationOf(folder, false), 'hub.push_local_path', { file: name });
    expect([...(await publicationOf(folder, true)).files.keys()]).toContain(name);
  });
});

it('a local path is found as JSON of Python’s spells it', async () => {
  const parent = join(scratch, 'Zoë 模型');
  const folder = join(parent, 'adapter');
  cpSync(adapter, folder, { recursive: true });
  writeFileSync(join(folder, 'training.json'), pythonJson({ file: join(parent, 'x.jsonl') }));
  await expectGraftError(() => publicationOf(folder, false), 'hub.push_local_path', {
    file: 'training.json',
  });
});

describe('graft push', () => {
  it('shows names of files escaped', async () => {
    const folder = folderOf(adapter, { 'a\u001b[2J\u202eb\ngraft: sent': 'x' });
    const { stderr } = await runCli(['push', '--dir', folder, '--repo', 'a/b', '--dry-run']);
    expect(stderr).toContain('Not sent: a\\u001b[2J\\u202eb graft: sent.\n');
  });

  it('lists what it would send, and sends nothing with --dry-run', async () => {
    const folder = folderOf(adapter, stray);
    const { status, stdout, stderr } = await runCli(['push', '--dir', folder, '--repo', 'a/b', '--dry-run']);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toMatch(/To a\/b: 2 files, [\d.]+ kB\.\n {2}adapter_config\.json {2}\d+ B\n/);
    expect(stderr).toContain(
      'Not sent: .env, README.md~, data.jsonl, id_rsa, notes.txt, optimizer.pt, train.csv.',
    );
  });

  it('refuses a link before it contacts anyone', async () => {
    const folder = folderOf(adapter);
    symlinkSync(secret, join(folder, 'README.md'));
    const where = ['--endpoint', 'http://127.0.0.1:9', '--token-for-endpoint'];
    expect(await fail(['push', '--dir', folder, '--repo', 'a/b', ...where])).toContain(
      'is a link, not a file',
    );
  });
});
