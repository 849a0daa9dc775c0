import { describe, expect, it } from 'vitest';
import { blobSource } from '../../base/storage/byteSource.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { memorySource } from '../../testing/sources.ts';
import { contentHashOf } from './contentHash.ts';
import { concatBytes } from '../../base/lib/bytes.ts';
import { partsOf, zipOf } from '../../testing/zips.ts';
import { readZip } from '../formats/zipReader.ts';
import { centralHeader, zipEnd } from '../formats/zipRecords.ts';
import { parseProject, PROJECT_FORMAT } from './project.ts';
import { exportProject, importProject } from './projectFile.ts';
import { ProjectStore } from './projectStore.ts';

const file = memorySource('rows.jsonl', '{"prompt": "Who?", "completion": "Pip."}\n');

const hubs = ['https://huggingface.co'];

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
    await importProject(store, blobSource(zip.name, zip), { id: 'b', changedAt: 9 }, hubs);
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
      const outcome = await importProject(
        store,
        memorySource('p.zip', damaged),
        { id: 'b', changedAt: 9 },
        hubs,
      ).catch(() => 'refused');
      expect((await store.list()).length, `byte ${at}`).toBe(outcome === 'refused' ? 0 : 1);
      if (at === 200) expect(outcome).toBe('refused');
    }
  });

  it('is told from other files', async () => {
    const store = new ProjectStore(new MemoryDirectory('projects'));
    await expectGraftError(
      () => importProject(store, memorySource('a.zip', 'no zip'), { id: 'b', changedAt: 9 }, hubs),
      'projects.not_a_project',
      { file: 'a.zip' },
    );
    const zip = new Uint8Array(await (await exported()).arrayBuffer());
    await expectGraftError(
      () =>
        importProject(
          store,
          memorySource('cut.zip', zip.subarray(0, zip.length - 40)),
          { id: 'b', changedAt: 9 },
          hubs,
        ),
      'projects.not_a_project',
    );
  });

  describe('of others', () => {
    /** Imports a zip whose project is changed. */
    const imported = async (change: (json: Record<string, unknown>) => string) => {
      const [top, ...others] = await partsOf(new Uint8Array(await (await exported()).arrayBuffer()));
      const json = JSON.parse(new TextDecoder().decode(top!.bytes)) as Record<string, unknown>;
      const zip = await zipOf([{ ...top!, bytes: new TextEncoder().encode(change(json)) }, ...others]);
      const store = new ProjectStore(new MemoryDirectory('projects'));
      await importProject(store, memorySource('p.zip', zip), { id: 'b', changedAt: 9 }, hubs);
      return store.read('b');
    };
    const facts = {
      ...{
        host: 'a',
        repo: 'org/m',
        commit: 'c',
        revision: 'main',
        license: null,
        bytes: 1,
        gated: false,
        private: false,
      },
      ...{ files: 1, bytesHere: 0, begun: false, complete: false, offline: false },
    };
    const ofHub = (endpoint: string) => (json: object) => {
      const page = 'javascript:alert(1)';
      return JSON.stringify({
        ...json,
        model: { kind: 'hub', name: 'm', facts: { ...facts, endpoint, page } },
      });
    };

    it('has no model of a Hub that it chooses, nor a page', async () => {
      expect((await imported(ofHub('https://elsewhere.example'))).model).toEqual({
        kind: 'dropped',
        name: 'm',
      });
      expect((await imported(ofHub(hubs[0]!))).model).toMatchObject({
        kind: 'hub',
        facts: { page: 'https://huggingface.co/org/m' },
      });
    });

    it('is refused where it nests without end', async () => {
      const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
      await expectGraftError(
        () =>
          imported((json) => JSON.stringify({ ...json, recipe: { rank: 'DEEP' } }).replace('"DEEP"', deep)),
        'projects.not_a_project',
      );
    });

    it('is refused where its files share their bytes', async () => {
      const zip = new Uint8Array(await (await exported()).arrayBuffer());
      const entries = (await readZip(memorySource('p.zip', zip)))!;
      const rows = entries.find(({ name }) => name.includes('/rows/'))!;
      const many = Array.from({ length: 500 }, (_, i) =>
        centralHeader({
          name: new TextEncoder().encode(`p/rows/${i}.json`),
          size: rows.size,
          crc: rows.crc,
          offset: rows.headerAt,
          modified: 0,
        }),
      );
      const directory = concatBytes(many);
      const shared = concatBytes([zip, directory, zipEnd(many.length, directory.length, zip.length)]);
      const store = new ProjectStore(new MemoryDirectory('projects'));
      await expectGraftError(
        () => importProject(store, memorySource('p.zip', shared), { id: 'b', changedAt: 9 }, hubs),
        'projects.not_a_project',
        { detail: expect.stringContaining('not a zip file') as string },
      );
    });
  });
});
