import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { FaultyDisk, type Fault, type Loss } from '../../testing/faultyDirectory.ts';
import { memorySource } from '../../testing/sources.ts';
import { contentHashOf, rowsHashOf } from './contentHash.ts';
import { parseProject, PROJECT_FORMAT, type Project } from './project.ts';
import { ProjectStore } from './projectStore.ts';

const file = memorySource('rows.jsonl', '{"prompt": "Who?", "completion": "Pip."}\n');
const rows = {
  format: PROJECT_FORMAT,
  changes: [{ position: 0, excluded: true as const }],
  drafts: [],
} as const;

function project(id: string, changes: Partial<Project> = {}): Project {
  return parseProject({
    format: PROJECT_FORMAT,
    id,
    name: '',
    example: false,
    createdAt: 1,
    changedAt: 1,
    model: null,
    data: null,
    recipe: {},
    samplePrompts: [],
    request: null,
    runs: [],
    ...changes,
  });
}

const dataOf = (hash: string): Project['data'] => ({
  name: 'rows.jsonl',
  source: { kind: 'kept', hash },
  rowsField: null,
  mapping: null,
});

describe('stored projects', () => {
  let store: ProjectStore;
  let root: MemoryDirectory;
  let hash: string;
  beforeEach(async () => {
    root = new MemoryDirectory('projects');
    store = new ProjectStore(root);
    hash = await contentHashOf(file);
  });

  it('are listed by their last change, also by another tab', async () => {
    await store.write(project('a', { changedAt: 3, recipe: { rank: 8 } }));
    await store.write(project('b', { changedAt: 5 }));
    await store.write(project('a', { changedAt: 7, recipe: { rank: 4 } }));
    const other = new ProjectStore(root);
    expect((await other.list()).map(({ id }) => id)).toEqual(['a', 'b']);
    expect((await other.read('a')).recipe).toEqual({ rank: 4 });
    await expectGraftError(() => other.read('c'), 'projects.not_found');
  });

  it('that are being made in another tab are neither listed nor removed', async () => {
    expect(await store.rows('new', hash)).toMatchObject({ changes: [] });
    expect(await new ProjectStore(root).list()).toEqual([]);
    await store.write(project('new'));
    expect(await new ProjectStore(root).list()).toHaveLength(1);
  });

  it('have the changes of rows by the content of their file', async () => {
    const renamed = memorySource('other.jsonl', await file.read(0, file.size));
    await store.writeRows('a', hash, { ...rows, changes: [...rows.changes], drafts: [] });
    expect((await store.rows('a', await contentHashOf(renamed))).changes).toEqual(rows.changes);
    const list = await rowsHashOf(hash, 'data.train');
    expect(list).not.toBe(hash);
    expect((await store.rows('a', list)).changes).toEqual([]);
    expect((await store.rows('b', hash)).changes).toEqual([]);
  });

  it('share a copy of their data, which goes with the last of them', async () => {
    await store.keep(hash, file);
    await store.write(project('a', { data: dataOf(hash), runs: ['run'] }));
    await store.writeRows('a', hash, { ...rows, changes: [...rows.changes], drafts: [] });
    await store.duplicate('a', { id: 'b', name: 'copy', createdAt: 9, changedAt: 9 });
    expect(await store.read('b')).toMatchObject({ name: 'copy', runs: [], data: dataOf(hash) });
    expect((await store.rows('b', hash)).changes).toEqual(rows.changes);
    await store.remove('a');
    expect(await contentHashOf(await store.file(hash))).toBe(hash);
    // Other data takes its place.
    await store.write(project('b'));
    await expectGraftError(() => store.file(hash), 'storage.not_found');
  });

  it('have a copy of their validation file too, which goes once no project has it', async () => {
    const source = { kind: 'kept' as const, hash };
    await store.keep(hash, file);
    await store.write(project('a', { validation: { name: 'v.jsonl', source } }));
    await store.write(project('b', { data: dataOf(hash) }));
    await store.write(project('b'));
    expect(await contentHashOf(await store.file(hash))).toBe(hash);
    await store.write(project('a', { validation: null }));
    await expectGraftError(() => store.file(hash), 'storage.not_found');
  });

  it('of a later version, or damaged, are refused and can be deleted', async () => {
    await expectGraftError(() => parseProject({ ...project('a'), format: 2 }), 'projects.newer', {
      format: 2,
    });
    await expectGraftError(() => parseProject({ ...project('a'), runs: 7 }), 'projects.invalid', {
      field: 'runs',
    });
    await store.write(project('a'));
    for (const name of ['project.a', 'project.b']) {
      const opened = await (await root.directory('a')).edit(name);
      await opened.write(0, new Uint8Array(64).fill(7));
    }
    const found = new ProjectStore(root);
    expect(await found.list()).toEqual([{ id: 'a', project: null }]);
    await expectGraftError(() => found.read('a'), 'projects.damaged');
    await found.remove('a');
    expect(await found.list()).toEqual([]);
  });

  it.each<[Fault, Loss]>([
    ['fail', 'none'],
    ['quota', 'none'],
    ['half quota', 'none'],
    ['short', 'none'],
    ['crash', 'drop'],
    ['crash', 'zero'],
    ['crash', 'reorder'],
  ])('is as before or after a save in which any call ends with "%s" (%s)', async (kind, loss) => {
    const disk = new FaultyDisk();
    await new ProjectStore(disk.root).write(project('a', { recipe: { rank: 1 } }));
    const before = disk.copy();
    const counted = before.copy();
    await new ProjectStore(counted.root).write(project('a', { recipe: { rank: 2 } }));
    expect(counted.calls).toBeGreaterThan(3);
    for (let at = 1; at <= counted.calls; at++) {
      const copy = before.copy();
      copy.fault = { at, kind };
      await new ProjectStore(copy.root).write(project('a', { recipe: { rank: 2 } })).catch(() => undefined);
      const { recipe } = await new ProjectStore(copy.after(loss).root).read('a');
      expect([1, 2], `call ${at}`).toContain(recipe.rank);
    }
  });
});
