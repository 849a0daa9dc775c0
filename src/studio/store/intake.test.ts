import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { textInThread } from '../../content/guard/textInThread.ts';
import type { Workers } from '../../hosts/browser/client.ts';
import type { DataApi } from '../../hosts/browser/dataProtocol.ts';
import { createDataService } from '../../hosts/browser/dataService.ts';
import { createEngineService } from '../../hosts/browser/engineService.ts';
import { createHubService } from '../../hosts/browser/hubService.ts';
import type { HubApi } from '../../hosts/browser/hubProtocol.ts';
import type { EngineApi } from '../../hosts/browser/protocol.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { patience } from '../../testing/patience.ts';
import { writeTinyStories } from '../../testing/tinyStories.ts';
import { noCache, serviceClient } from '../../testing/workers.ts';
import { waitReason } from './intakeWaits.ts';
import { Metrics } from './metrics.ts';
import { createStudio } from './studio.ts';

const folder = writeTinyStories(scratchFolder());
const modelFiles = (name: string) =>
  readdirSync(folder).map((file) => ({
    path: `${name}/${file}`,
    file: new File([readFileSync(`${folder}/${file}`)], file),
  }));
const dropped = (path: string, content: string | Uint8Array<ArrayBuffer>) => ({
  path,
  file: new File([content], path.split('/').at(-1)!),
});
const rows = (count: number, prompt = 'prompt') =>
  Array.from(
    { length: count },
    (_, at) => `{"${prompt}":"Question ${at}?","completion":"Answer ${at}."}\n`,
  ).join('');

/** The page's store with the workers' services in this thread, where a model opens without a GPU. */
function openStudio() {
  const engine = serviceClient<EngineApi>(createEngineService());
  const data = serviceClient<DataApi>(createDataService(textInThread));
  const hub = serviceClient<HubApi>(createHubService(noCache));
  const workers: Workers = { engine, data, hub };
  const studio = createStudio({ workers, metrics: new Metrics() });
  studio.setState(({ device }) => ({ device: { ...device, status: 'ready' } as typeof device }));
  const state = () => studio.getState();
  const settled = () =>
    vi.waitFor(() => {
      const { queue, opening, looking } = state().intake;
      expect([queue.length, opening, looking]).toEqual([0, null, 0]);
    }, patience);
  const train = (status: 'running' | 'idle') => studio.setState(({ run }) => ({ run: { ...run, status } }));
  const waits = () =>
    state().intake.queue.map((queued) => `${queued.name} ${String(waitReason(state(), queued))}`);
  return { studio, state, settled, train, waits };
}

describe('what is dropped', () => {
  it('opens in its own view, wherever it is dropped and whatever it is called', async () => {
    const { state, settled } = openStudio();
    state().showView('home');
    await state().takeFiles([dropped('odd.name', rows(3))]);
    await settled();
    expect([state().view, state().dataset.summary?.rows]).toEqual(['data', 3]);
    await state().takeFiles([dropped('notes.txt', '{"rank": 4, "schedule": "linear"}')]);
    await settled();
    expect([state().view, state().recipe.draft.rank]).toEqual(['recipe', 4]);
  });

  it('waits while the page is busy, with a reason, and opens afterwards in order', async () => {
    const { state, settled, train, waits } = openStudio();
    train('running');
    await state().takeFiles([dropped('a.jsonl', rows(2))]);
    await state().takeFiles([dropped('b.jsonl', rows(5))]);
    await state().takeFiles([dropped('r.json', '{"rank": 4, "schedule": "linear"}')]);
    expect(waits()).toEqual(['a.jsonl train', 'b.jsonl opening', 'r.json train']);
    expect(state().dataset.summary).toBeNull();
    state().removeQueued(state().intake.queue[0]!.id);
    expect(waits()).toEqual(['b.jsonl train', 'r.json train']);
    train('idle');
    await settled();
    await vi.waitFor(() => expect(state().dataset.summary?.rows).toBe(5), patience);
    expect(state().recipe.draft.rank).toBe(4);
  });

  it('of two models dropped fast opens one after the other, and loses neither', async () => {
    const { studio, state, settled } = openStudio();
    const opened: string[] = [];
    studio.subscribe(({ model }, before) => {
      if (model.status === 'opening' && before.model.status !== 'opening') opened.push(model.opening);
    });
    await Promise.all([state().takeFiles(modelFiles('first')), state().takeFiles(modelFiles('second'))]);
    await settled();
    await vi.waitFor(() => expect(state().model.status).not.toBe('opening'), patience);
    expect(opened).toEqual(['first', 'second']);
    expect(state().view).toBe('model');
  });

  it('asks before a model replaces an unsaved adapter, and lets the next wait for the answer', async () => {
    const { studio, state, waits } = openStudio();
    studio.setState({ adapter: { origin: 'trained', saved: false, steps: 3, run: null, method: 'lora' } });
    await state().takeFiles(modelFiles('first'));
    await vi.waitFor(() => expect(state().question?.kind).toBe('discard'), patience);
    await state().takeFiles(modelFiles('second'));
    expect(waits()).toEqual(['second question']);
  });

  it('of several models asks which', async () => {
    const { state, settled } = openStudio();
    await state().takeFiles([...modelFiles('all/one'), ...modelFiles('all/two')]);
    const { question } = state().intake;
    expect(question?.kind === 'models' && question.options.map(({ name }) => name)).toEqual(['one', 'two']);
    state().answerIntake(1);
    await settled();
    await vi.waitFor(
      () => expect(state().model.source?.name ?? state().model.error?.code).toBeDefined(),
      patience,
    );
    expect(state().intake.question).toBeNull();
  });

  it('for training and for validation by their names becomes both', async () => {
    const { state, settled } = openStudio();
    const row = (text: string) => `{"prompt": "${text}?", "completion": "${text}."}\n`;
    await state().takeFiles([dropped('train.jsonl', row('a') + row('b')), dropped('valid.jsonl', row('c'))]);
    await vi.waitFor(() => expect(state().intake.question).not.toBeNull(), patience);
    expect(state().intake.question).toMatchObject({ split: { train: 0, validation: 1 } });
    state().answerIntake('split');
    await settled();
    await vi.waitFor(() => expect(state().validation.summary?.name).toBe('valid.jsonl'), patience);
    expect(state().dataset.summary).toMatchObject({ name: 'train.jsonl', rows: 2 });
  });

  it('that is no use is refused in words, without a change of view', async () => {
    const { state } = openStudio();
    state().showView('recipe');
    await state().takeFiles([
      dropped('photo.jsonl', Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0])),
    ]);
    await state().takeFiles([dropped('empty/.gitkeep', '')]);
    expect(state().intake.refused.map(({ error }) => error.code)).toEqual(['intake.media', 'intake.nothing']);
    expect(state().view).toBe('recipe');
    state().dismissRefused(state().intake.refused[0]!.id);
    expect(state().intake.refused).toHaveLength(1);
  });
});

describe('several data files', () => {
  it('of the same format are joined, in order, if the user wants', async () => {
    const { state, settled } = openStudio();
    await state().takeFiles([dropped('b.jsonl', rows(3)), dropped('a.csv', 'prompt,completion\nHi,Ahoy\n')]);
    await vi.waitFor(() => expect(state().intake.question).not.toBeNull(), patience);
    expect(state().intake.question).toMatchObject({
      kind: 'data',
      joinable: true,
      parts: [
        { name: 'a.csv', rows: 1 },
        { name: 'b.jsonl', rows: 3 },
      ],
    });
    state().answerIntake('join');
    await settled();
    await vi.waitFor(() => expect(state().dataset.summary?.rows).toBe(4), patience);
    expect(state().dataset.summary).toMatchObject({ name: 'a + b.jsonl', format: 'prompt_completion' });
  });

  it('of different fields are chosen between', async () => {
    const { state } = openStudio();
    await state().takeFiles([dropped('a.jsonl', rows(3)), dropped('b.jsonl', '{"text":"x"}\n')]);
    await vi.waitFor(() => expect(state().intake.question).not.toBeNull(), patience);
    expect(state().intake.question).toMatchObject({ joinable: false });
    state().answerIntake(1);
    await vi.waitFor(() => expect(state().dataset.summary?.name).toBe('b.jsonl'), patience);
  });
});

describe('encodings', () => {
  // “Jak się masz?” in Windows-1250, twice.
  const polish = Uint8Array.from(
    Array.from(
      'prompt,completion\nJak si\xea masz?,Dzi\xeakuj\xea\nGdzie le\xbfy?,Na p\xf3\xb3ce\n',
      (sign) => sign.charCodeAt(0),
    ),
  );

  it('that are not certain are asked, chosen, and stay chosen', async () => {
    const { state } = openStudio();
    await state().openDataset({ kind: 'file', file: new File([polish], 'pl.csv') });
    const { error, unclearEncoding } = state().dataset;
    expect(error?.code).toBe('data.encoding_unclear');
    expect(unclearEncoding?.choices.map(({ encoding }) => encoding)).toContain('windows-1250');
    await state().openDataset({ ...unclearEncoding!.source, encoding: 'windows-1250' });
    expect(state().dataset).toMatchObject({
      error: null,
      unclearEncoding: null,
      summary: { rows: 2, encoding: 'windows-1250' },
      source: { encoding: 'windows-1250' },
    });
  });
});
