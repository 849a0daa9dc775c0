import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { ProjectStore } from '../../content/projects/projectStore.ts';
import { createDataService } from '../../hosts/browser/dataService.ts';
import type { DataApi } from '../../hosts/browser/dataProtocol.ts';
import { createEngineService } from '../../hosts/browser/engineService.ts';
import { createHubService } from '../../hosts/browser/hubService.ts';
import type { HubApi } from '../../hosts/browser/hubProtocol.ts';
import type { EngineApi } from '../../hosts/browser/protocol.ts';
import { robotStories } from '../../testing/fixtures.ts';
import { patience } from '../../testing/patience.ts';
import { noCache, serviceClient } from '../../testing/workers.ts';
import { textInThread } from '../../content/guard/textInThread.ts';
import { Metrics } from './metrics.ts';
import { createStudio } from './studio.ts';

const stories = () => new File([readFileSync(robotStories)], 'robot-stories.jsonl');
const others = () => new File(['{"prompt": "Who?", "completion": "Pip."}'], 'others.jsonl');

/** A visit to the page: a store over services of its own, on the disk of the visits before. */
async function visit(root: MemoryDirectory, wanted: string | null = null) {
  const data = createDataService(textInThread, async () => new ProjectStore(root));
  const studio = createStudio({
    workers: {
      engine: serviceClient<EngineApi>(createEngineService()),
      data: serviceClient<DataApi>(data),
      hub: serviceClient<HubApi>(createHubService(noCache)),
    },
    metrics: new Metrics(),
  });
  await studio.getState().startProjects(wanted, Promise.resolve());
  return studio;
}

describe('a project', () => {
  it('is made by the first change, saved as one works, and has all of it at the next visit', async () => {
    const root = new MemoryDirectory('projects');
    const first = await visit(root);
    const { openDataset, changeRows, setFields, setSamplePrompts, setRequest, setDraft } = first.getState();
    expect(first.getState().projects).toMatchObject({ known: true, entries: [], open: null });
    await openDataset({ kind: 'file', file: stories() });
    await changeRows({ kind: 'exclude', position: 0 });
    await changeRows({ kind: 'edit', position: 1, text: '{"prompt": "Who?", "completion": "Zip."}' });
    setDraft(2, '{"prompt": "half');
    setFields({ rank: 4 });
    setSamplePrompts(['Who is Zip?']);
    setRequest({ prompt: 'Where?', temperature: 0.5 });
    const saved = async () => {
      const [entry] = await new ProjectStore(root).list();
      return entry?.project;
    };
    await vi.waitFor(
      async () => expect((await saved())?.request).toMatchObject({ prompt: 'Where?' }),
      patience,
    );
    const { id } = first.getState().projects.open!;
    await vi.waitFor(async () => {
      const source = (await saved())?.data?.source;
      const hash = source?.kind === 'kept' ? source.hash : '';
      expect((await new ProjectStore(root).rows(id, hash)).drafts).toHaveLength(1);
    }, patience);

    const second = (await visit(root, id)).getState();
    expect(second.projects.open).toMatchObject({ id, readOnly: false });
    expect(second.dataset.summary).toMatchObject({ name: 'robot-stories.jsonl', rows: 240 });
    expect(second.dataset.changes).toMatchObject({ edited: 1, excluded: 1 });
    expect(second.dataset.drafts).toEqual({ 2: '{"prompt": "half' });
    expect(JSON.parse(await second.rowText(1))).toEqual({ prompt: 'Who?', completion: 'Zip.' });
    expect(second.recipe.draft.rank).toBe(4);
    expect(second.samplePrompts).toEqual(['Who is Zip?']);
    expect(second.tryout.request).toMatchObject({ prompt: 'Where?', temperature: 0.5 });
  });

  it('has its conversation, what answers on each side, and rows that were added, at the next visit', async () => {
    const root = new MemoryDirectory('projects');
    const first = await visit(root);
    await first.getState().openDataset({ kind: 'file', file: stories() });
    const by = { model: 'tiny', kind: 'checkpoint' as const, name: 'LoRA r4', step: 20 };
    const answer = { text: 'Ahoy', tokens: 2, tokensPerSecond: 3, stoppedBy: 'end' as const, by };
    const turns = [
      { kind: 'chat' as const, user: 'Hi', attempt: 1, answers: { left: null, right: answer } },
      { kind: 'text' as const, user: 'Once', attempt: 0, answers: { left: answer, right: null } },
    ];
    const sides = {
      left: { kind: 'base' as const },
      right: { kind: 'checkpoint' as const, run: 'r', step: 20 },
    };
    first.setState(({ tryout }) => ({ tryout: { ...tryout, turns, sides } }));
    await first.getState().addRow([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Ahoy' },
    ]);
    const entry = async () => (await new ProjectStore(root).list())[0]?.project;
    await vi.waitFor(async () => expect((await entry())?.chat).toHaveLength(2), patience);
    const second = (await visit(root, first.getState().projects.open!.id)).getState();
    expect(second.tryout).toMatchObject({ turns, sides });
    expect(second.dataset.changes).toMatchObject({ added: 1, edited: 0 });
    expect(JSON.parse(await second.rowText(240))).toEqual({
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Ahoy' },
      ],
    });
  });

  it('begins new data with an answer where there is none', async () => {
    const studio = await visit(new MemoryDirectory('projects'));
    await studio.getState().addRow([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Ahoy' },
    ]);
    expect(studio.getState().dataset.summary).toMatchObject({
      name: 'chat.jsonl',
      rows: 1,
      format: 'messages',
    });
  });

  it('has its validation file again, and is left without it', async () => {
    const root = new MemoryDirectory('projects');
    const first = await visit(root);
    await first.getState().openDataset({ kind: 'file', file: stories() });
    await first.getState().openValidation({ kind: 'file', file: others() });
    const { id } = first.getState().projects.open!;
    await first.getState().saveProject();
    const second = await visit(root, id);
    expect(second.getState().validation).toMatchObject({
      summary: { name: 'others.jsonl', rows: 1 },
      error: null,
    });
    expect(second.getState().dataset.summary?.rows).toBe(240);
    await second.getState().newProject();
    expect(second.getState().validation.summary).toBeNull();
    await second.getState().openProject(id);
    await second.getState().openValidation(null);
    await second.getState().saveProject();
    expect((await new ProjectStore(root).read(id)).validation).toBeNull();
  });

  it('keeps the changes of a file while another is open', async () => {
    const studio = await visit(new MemoryDirectory('projects'));
    const { openDataset, changeRows } = studio.getState();
    await openDataset({ kind: 'file', file: stories() });
    await changeRows({ kind: 'exclude', position: 7 });
    await openDataset({ kind: 'file', file: others() });
    expect(studio.getState().dataset.leftBehind).toEqual({ name: 'robot-stories.jsonl', n: 1 });
    expect(studio.getState().dataset.changes.excluded).toBe(0);
    await openDataset({ kind: 'file', file: new File([stories()], 'renamed.jsonl') });
    expect(studio.getState().dataset.changes.excluded).toBe(1);
  });

  it('is left for an empty one, and opened again with what was changed a moment before', async () => {
    const studio = await visit(new MemoryDirectory('projects'));
    await studio.getState().openDataset({ kind: 'file', file: others() });
    studio.getState().setFields({ rank: 8 });
    const { id } = studio.getState().projects.open!;
    await studio.getState().newProject();
    expect(studio.getState().projects.open).toBeNull();
    expect(studio.getState().dataset.status).toBe('none');
    expect(studio.getState().recipe.draft.rank).toBe(16);
    await studio.getState().openProject(id);
    expect(studio.getState().dataset.summary?.name).toBe('others.jsonl');
    expect(studio.getState().recipe.draft.rank).toBe(8);
  });

  it('that cannot be stored leaves the page as it is', async () => {
    const data = createDataService(textInThread, noCache);
    const studio = createStudio({
      workers: {
        engine: serviceClient<EngineApi>(createEngineService()),
        data: serviceClient<DataApi>(data),
        hub: serviceClient<HubApi>(createHubService(noCache)),
      },
      metrics: new Metrics(),
    });
    await studio.getState().startProjects(null, Promise.resolve());
    await studio.getState().openDataset({ kind: 'file', file: others() });
    expect(studio.getState().dataset).toMatchObject({ status: 'ready', error: null, content: null });
    expect(studio.getState().projects).toMatchObject({ open: null, known: true });
  });
});
