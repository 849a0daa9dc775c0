import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeFolder } from '../../../base/storage/nodeFolder.ts';
import { readTemplates } from './templateFiles.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graft-templates-'));
});
afterAll(() => rm(folder, { recursive: true }));

const none = { own: null, configured: [undefined, undefined], otherwise: null };

test('null without any, otherwise the default of the tokenizer’s kind', async () => {
  const read = (sources: object) => readTemplates(nodeFolder(folder), { ...none, ...sources });
  expect(await read({})).toEqual({ chatTemplate: null, toolTemplate: null });
  expect(await read({ otherwise: 'q' })).toEqual({ chatTemplate: 'q', toolTemplate: null });
  expect(await read({ configured: [null, { default: 'd', tool_use: 't' }] })).toEqual({
    chatTemplate: 'd',
    toolTemplate: 't',
  });
  expect(await read({ configured: ['a', 'b'] })).toEqual({ chatTemplate: 'a', toolTemplate: null });
  expect((await read({ configured: [{ rag: 'r' }] })).chatTemplate).toContain('(rag)');
});

test('a folder of templates complements chat_template.jinja and precedes tokenizer_config.json', async () => {
  const more = join(folder, 'additional_chat_templates');
  await mkdir(more);
  await writeFile(join(more, 'tool_use.jinja'), 't');
  await writeFile(join(more, 'notes.txt'), 'no template');
  const read = (sources: object) => readTemplates(nodeFolder(folder), { ...none, ...sources });
  expect(await read({ own: 'o' })).toEqual({ chatTemplate: 'o', toolTemplate: 't' });
  const alone = await read({ configured: ['c'] });
  expect(alone).toEqual({ chatTemplate: expect.stringContaining('(tool_use)'), toolTemplate: 't' });
  await writeFile(join(more, 'bad.jinja'), Buffer.from([0xff]));
  await expect(read({})).rejects.toMatchObject({
    code: 'data.tokenizer_invalid',
    params: { file: 'additional_chat_templates/bad.jinja' },
  });
});
