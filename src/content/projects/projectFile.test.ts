import { describe, expect, it } from 'vitest';
import { blobSource } from '../../base/storage/byteSource.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { memorySource } from '../../testing/sources.ts';
import { contentHashOf } from './contentHash.ts';
import { parseProject, PROJECT_FORMAT } from './project.ts';
import { exportProject, importProject } from './projectFile.ts';
import { ProjectStore } from './projectStore.ts';

const file = memorySource('rows.jsonl', '{"prompt": "Who?", "completion": "Pip."}\n');

const turn = { kind: 'chat' as const, user: 'Hi', attempt: 0, answers: { left: null, right: null } };
const heldOut = memorySource('held.jsonl', '{"prompt": "Where?", "completion": "There."}\n');

const vote = {
  line: 1,
  prompt: 'Who?',
  names: ['base', 'tuned'],
  answers: ['I.', 'Zip.'],
  preferred: 'second',
};

async function exported(): Promise<File> {
  const store = new ProjectStore(new MemoryDirectory('projects'));
  const hash = await contentHashOf(file);
  await store.keep(hash, file);
  const held = await contentHashOf(heldOut);
  await store.keep(held, heldOut);
  await store.writeRows('a', hash, {
    format: PROJECT_FORMAT,
    changes: [{ position: 0, text: '{"prompt": "Who?", "completion": "Zip."}' }],
    drafts: [{ position: 0, text: 'half' }],
  });
  await store.write(
    parseProject({
      format: PROJECT_FORMAT,
      id: 'a',
      name: 'Pirates / 海盗',
      example: true,
      createdAt: 1,
      changedAt: 2,
      model: { kind: 'dropped', name: 'tiny' },
      data: { name: 'rows.jsonl', source: { kind: 'kept', hash }, rowsField: null, mapping: null },
      validation: { name: 'held.jsonl', source: { kind: 'kept', hash: held } },
      recipe: { rank: 4 },
      samplePrompts: ['Who?'],
      request: null,
      chat: [turn],
      votes: [vote],
      runs: ['run'],
    }),
  );
  return exportProject(store, 'a', 'Pirates / 海盗');
}

describe('a project as a file', () => {
  it('has data, edits, drafts, recipe, prompts and chat, and becomes a project of its own', async () => {
    const zip = await exported();
    expect(zip.name).toBe('Pirates - 海盗.graft-project.zip');
    const store = new ProjectStore(new MemoryDirectory('projects'));
    await importProject(store, blobSource(zip.name, zip), { id: 'b', changedAt: 9 });
    const project = await store.read('b');
    expect(project).toMatchObject({
      id: 'b',
      name: 'Pirates / 海盗',
      example: false,
      changedAt: 9,
      recipe: { rank: 4 },
      samplePrompts: ['Who?'],
      chat: [turn],
      votes: [vote],
      runs: [],
    });
    const source = project.data?.source;
    expect(source?.kind).toBe('kept');
    const hash = source?.kind === 'kept' ? source.hash : '';
    expect(await contentHashOf(await store.file(hash))).toBe(await contentHashOf(file));
    const held = project.validation?.source;
    expect(held?.kind === 'kept' && (await contentHashOf(await store.file(held.hash)))).toBe(
      await contentHashOf(heldOut),
    );
    expect(await store.rows('b', hash)).toMatchObject({
      changes: [{ position: 0 }],
      drafts: [{ text: 'half' }],
    });
  });

  it('is refused where any byte of it is another, and leaves nothing in the list', async () => {
    const zip = new Uint8Array(await (await exported()).arrayBuffer());
    const head = 60;
    for (const at of [head, 200, Math.floor(zip.length / 2), zip.length - 30]) {
      const damaged = zip.slice();
      damaged[at]! ^= 0x55;
      const store = new ProjectStore(new MemoryDirectory('projects'));
      const outcome = await importProject(store, memorySource('p.zip', damaged), {
        id: 'b',
        changedAt: 9,
      }).catch(() => 'refused');
      expect((await store.list()).length, `byte ${at}`).toBe(outcome === 'refused' ? 0 : 1);
      if (at === 200) expect(outcome).toBe('refused');
    }
  });

  it('is told from other files', async () => {
    const store = new ProjectStore(new MemoryDirectory('projects'));
    await expectGraftError(
      () => importProject(store, memorySource('a.zip', 'no zip'), { id: 'b', changedAt: 9 }),
      'projects.not_a_project',
      { file: 'a.zip' },
    );
    const zip = new Uint8Array(await (await exported()).arrayBuffer());
    await expectGraftError(
      () =>
        importProject(store, memorySource('cut.zip', zip.subarray(0, zip.length - 40)), {
          id: 'b',
          changedAt: 9,
        }),
      'projects.not_a_project',
    );
  });
});
