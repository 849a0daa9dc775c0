import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultReading } from '../data/reading.ts';
import { rowLengths } from '../data/tokenize.ts';
import { sharedPath } from '../testing/shared.ts';
import { fixture } from '../testing/tokenizers.ts';
import { textInThread } from '../testing/textWorkers.ts';
import { createDataDesk } from './dataDesk.ts';
import type { ModelSource } from './protocol.ts';

const ignore = () => undefined;
const options = { reading: defaultReading, maxLength: 512, evalFraction: 0, seed: 42 };

function modelSource(name: string): ModelSource {
  const folder = sharedPath(`models/${name}`);
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => new File([readFileSync(`${folder}/${file}`)], file));
  return { kind: 'files', name, files };
}

function robotStories(): File {
  return new File([readFileSync(sharedPath('data/robot-stories.jsonl'))], 'robot-stories.jsonl');
}

async function deskWithStories() {
  const desk = createDataDesk(textInThread);
  await desk.openTokenizer(modelSource('stories260k'), 512);
  await desk.openDataset({ kind: 'file', file: robotStories() }, ignore);
  return desk;
}

describe('data desk', () => {
  it('reads, tokenizes and shows the robot stories', async () => {
    const desk = createDataDesk(textInThread);
    expect(await desk.openTokenizer(modelSource('stories260k'), 512)).toEqual({ fallbackTemplate: true });
    const summary = await desk.openDataset({ kind: 'file', file: robotStories() }, ignore);
    expect(summary).toMatchObject({ format: 'prompt_completion', rows: 240, problemCount: 0 });

    const tokenized = await desk.tokenize(options, ignore);
    expect(tokenized).toMatchObject({ rows: 240, evalRows: 0, truncatedRows: 0 });
    expect(tokenized.trainedTokens).toBeLessThan(tokenized.tokens);
    expect(tokenized.histogram.reduce((sum, { rows }) => sum + rows, 0)).toBe(240);
    expect(tokenized.histogram.at(-1)!.to).toBe(tokenized.longest);

    const { line, tokens, pieces } = await desk.preview(0);
    expect(line).toBe(1);
    expect(tokens).toBeLessThanOrEqual(tokenized.longest);
    const text = (trained: boolean) =>
      pieces
        .filter((piece) => piece.trained === trained)
        .map((piece) => piece.text)
        .join('');
    expect(text(false)).toContain('Tell a story about Zip and a sad cat.');
    expect(text(true)).toMatch(/Zip was a little robot\..*<\/s>$/s);
  });

  it('keeps rows aside for evaluation, and gives all of them to the engine once', async () => {
    const desk = await deskWithStories();
    const { rows, evalRows, tokens, trainedTokens } = await desk.tokenize(
      { ...options, evalFraction: 0.1 },
      ignore,
    );
    expect([rows, evalRows]).toEqual([216, 24]);
    const { train, evaluation } = await desk.rows();
    expect(train.offsets).toHaveLength(217);
    expect(evaluation?.offsets).toHaveLength(25);
    expect(train.ids).toHaveLength(tokens);
    expect(train.labels.filter((label) => label >= 0)).toHaveLength(trainedTokens);
    const shapes = await desk.rowShapes();
    expect(shapes.train.tokens).toEqual(rowLengths(train));
    expect(shapes.train.targets.reduce((sum, count) => sum + count, 0)).toBe(trainedTokens);
    expect(shapes.evaluation?.tokens).toHaveLength(24);
  });

  it('counts the rows it cuts', async () => {
    const desk = await deskWithStories();
    const { truncatedRows, longest } = await desk.tokenize({ ...options, maxLength: 140 }, ignore);
    expect(longest).toBe(140);
    expect(truncatedRows).toBeGreaterThan(0);
  });

  it('names bad rows by line, and keeps the data of before when a file is no use', async () => {
    const desk = await deskWithStories();
    const rows = ['{"prompt":"a","completion":"b"}', '{"prompt": ', '[1]'].join('\n');
    const summary = await desk.openDataset({ kind: 'file', file: new File([rows], 'mixed.jsonl') }, ignore);
    expect(summary.problemCount).toBe(2);
    expect(summary.problems.map(({ line }) => line)).toEqual([2, 3]);
    await expect(
      desk.openDataset({ kind: 'file', file: new File(['{"a": 1}'], 'odd.jsonl') }, ignore),
    ).rejects.toMatchObject({
      code: 'data.unknown_format',
    });
    expect((await desk.tokenize(options, ignore)).rows).toBe(1);
  });

  it('trains pre-tokenized rows of a model without a tokenizer, and nothing else', async () => {
    const desk = createDataDesk(textInThread);
    expect(await desk.openTokenizer(modelSource('tiny-qwen3'), 512)).toBeNull();
    await desk.openDataset({ kind: 'file', file: robotStories() }, ignore);
    await expect(desk.tokenize(options, ignore)).rejects.toMatchObject({ code: 'data.no_tokenizer' });
    await desk.openDataset(
      { kind: 'file', file: new File(['{"input_ids":[1,2,3],"labels":[-100,2,3]}'], 'ids.jsonl') },
      ignore,
    );
    expect(await desk.tokenize(options, ignore)).toMatchObject({ rows: 1, tokens: 3, trainedTokens: 2 });
    expect((await desk.preview(0)).pieces.map(({ trained }) => trained)).toEqual([false, true]);
  });

  it('refuses a tokenizer that does not fit the model', async () => {
    const desk = createDataDesk(textInThread);
    await expect(desk.openTokenizer(modelSource('stories260k'), 100)).rejects.toMatchObject({
      code: 'data.tokenizer_mismatch',
    });
  });

  it('takes edits and exclusions, and moves no other row between training and evaluation', async () => {
    const desk = await deskWithStories();
    const split = { ...options, evalFraction: 0.1 };
    const before = await desk.tokenize(split, ignore);
    const uses = async () =>
      Promise.all(Array.from({ length: 48 }, async (_, position) => (await desk.preview(position)).use));
    const first = await uses();
    const training = first.indexOf('train');
    await desk.changeRows({ kind: 'exclude', position: training });
    const text = '{"prompt":"Who?","completion":"Zip."}';
    expect(await desk.checkRow(training + 1, text, split)).toMatchObject({ problem: null, cutTokens: 0 });
    expect(await desk.changeRows({ kind: 'edit', position: training + 1, text })).toEqual({
      ...{ edited: 1, excluded: 1, undoable: 2 },
    });
    const after = await desk.tokenize(split, ignore);
    expect(after.rows).toBe(before.rows - 1);
    expect(after.evalRows).toBe(before.evalRows);
    expect(await uses()).toEqual(first.map((use, at) => (at === training ? 'excluded' : use)));
    expect((await (await desk.changedFile()).text()).split('\n')[training]).toBe(text);

    // A row that nothing is trained of is told at once, and again when it is kept.
    const empty = '{"input": "no such shape"}';
    expect((await desk.checkRow(5, empty, split)).problem?.code).toBe('data.missing_field');
    await desk.changeRows({ kind: 'edit', position: 5, text: empty });
    expect((await desk.tokenize(split, ignore)).problems).toMatchObject([
      { line: 6, code: 'data.missing_field', position: 5 },
    ]);
    expect(await desk.preview(5)).toMatchObject({ use: 'unusable', edited: true, tokens: 0 });
    for (let i = 0; i < 3; i++) await desk.changeRows({ kind: 'undo' });
    expect(await desk.tokenize(split, ignore)).toEqual(before);
  });

  it('tells where an answer ends: at the template’s end in a chat, at EOS in a text', async () => {
    const desk = createDataDesk(textInThread);
    expect(await desk.trainedEnds()).toEqual([]);
    const file = (name: string, text: string) => new File([text], name);
    const files = [
      file('tokenizer.json', fixture('qwen-like.tokenizer.json')),
      file(
        'tokenizer_config.json',
        JSON.stringify({ eos_token: '<|endoftext|>', chat_template: fixture('qwen2.5.jinja') }),
      ),
    ];
    await desk.openTokenizer({ kind: 'files', name: 'base', files }, 100_000);
    const [eos, end] = await desk.trainedEnds();
    expect([eos?.token, end?.token]).toEqual(['<|endoftext|>', '<|im_end|>']);
    const messages = [{ role: 'user' as const, content: 'Hi' }];
    const chat = await desk.promptTokens({ kind: 'chat', messages });
    expect(chat.endIds).toEqual([eos!.id, end!.id]);
    expect((await desk.promptTokens({ kind: 'text', text: 'Hi' })).endIds).toEqual([eos!.id]);
    const row = '{"prompt":"Who?","completion":"Zip."}';
    await desk.openDataset({ kind: 'file', file: new File([row], 'd.jsonl') }, ignore);
    await desk.tokenize({ ...options, reading: { ...defaultReading, mask: 'all' } }, ignore);
    expect(await desk.lint()).toEqual([
      {
        ...{ code: 'endsDiffer', severity: 'hint', count: 0, rows: [] },
        params: { eos: '<|endoftext|>', end: '<|im_end|>' },
      },
    ]);
  });

  it('says what may be wrong, excludes it, and finds rows by text and line', async () => {
    const desk = createDataDesk(textInThread);
    await desk.openTokenizer(modelSource('stories260k'), 512);
    const rows = ['a', 'b', 'a', 'c', 'a'].map((prompt) => JSON.stringify({ prompt, completion: 'Zip' }));
    await desk.openDataset({ kind: 'file', file: new File([rows.join('\n\n')], 'd.jsonl') }, ignore);
    await desk.tokenize(options, ignore);
    expect(await desk.lint()).toMatchObject([
      {
        code: 'duplicate',
        count: 2,
        rows: [
          { position: 2, line: 5 },
          { position: 4, line: 9 },
        ],
      },
    ]);
    expect((await desk.preview(2)).codes).toEqual(['duplicate']);
    expect(await desk.findRow('ZIP', 3, 1)).toEqual({ position: 3, matches: 5 });
    expect(await desk.findRow('c', 4, 1)).toEqual({ position: 3, matches: 1 });
    expect(await desk.findRow('no', 0, -1)).toEqual({ position: null, matches: 0 });
    expect(await desk.rowAtLine(6)).toBe(3);
    await desk.changeRows({ kind: 'excludeFound', code: 'duplicate' });
    expect((await desk.tokenize(options, ignore)).rows).toBe(3);
    expect(await desk.lint()).toEqual([]);
  });

  it('reads a table by the columns that a person chooses', async () => {
    const desk = createDataDesk(textInThread);
    await desk.openTokenizer(modelSource('stories260k'), 512);
    const file = new File(['frage;antwort\nWho?;Zip\nWhere?;\n'], 'd.csv');
    const summary = await desk.openDataset({ kind: 'file', file }, ignore);
    expect(summary).toMatchObject({ kind: 'csv', format: null, rows: 2 });
    await expect(desk.tokenize(options, ignore)).rejects.toMatchObject({ code: 'data.columns_not_chosen' });
    const mapping = summary.guess!;
    expect(await desk.mappedRows(mapping)).toMatchObject([
      {
        line: 2,
        turns: [
          { role: 'user', content: 'Who?' },
          { role: 'assistant', content: 'Zip' },
        ],
      },
      { line: 3 },
    ]);
    expect((await desk.mapColumns(mapping)).format).toBe('columns');
    expect((await desk.tokenize(options, ignore)).rows).toBe(2);
    expect(await desk.lint()).toMatchObject([{ code: 'emptyAnswer', count: 1 }]);
    expect((await desk.changedFile()).name).toBe('d-changed.jsonl');
  });

  it('reads the list of rows that is chosen, and says which and how', async () => {
    const desk = createDataDesk(textInThread);
    const row = (prompt: string) => ({ prompt, completion: 'Zip' });
    const content = JSON.stringify({ meta: { by: 'me' }, a: [row('1')], b: [row('2'), row('3')] });
    const source = { kind: 'file', file: new File([content], 'two.json') } as const;
    await expect(desk.openDataset(source, ignore)).rejects.toMatchObject({
      code: 'data.rows_field_unclear',
      params: { fields: 'a, b', choices: '["a","b"]' },
    });
    const summary = await desk.openDataset(source, ignore, 'b');
    expect(summary).toMatchObject({ kind: 'json', kindFrom: 'name', encoding: 'utf-8', rows: 2 });
    expect(summary).toMatchObject({ rowsField: 'b', otherRowsFields: ['a'] });
    expect(await desk.rowText(0)).toContain('"2"');

    const lines = [row('1'), row('2')].map((value) => JSON.stringify(value)).join('\n');
    const wide = new File([Buffer.from(`\ufeff${lines}`, 'utf16le')], 'data.txt');
    const text = await desk.openDataset({ kind: 'file', file: wide }, ignore);
    expect(text).toMatchObject({ kind: 'jsonl', kindFrom: 'content', encoding: 'utf-16le', rows: 2 });
    expect(text).not.toHaveProperty('rowsField');
  });

  it('shows what of a row is cut off', async () => {
    const desk = await deskWithStories();
    await desk.tokenize({ ...options, maxLength: 60 }, ignore);
    const { tokens, cutTokens, pieces } = await desk.preview(0);
    expect(tokens).toBe(60);
    const count = (cut: boolean) =>
      pieces.filter((piece) => Boolean(piece.cut) === cut).reduce((sum, piece) => sum + piece.tokens, 0);
    expect([count(false), count(true)]).toEqual([60, cutTokens]);
    expect(cutTokens).toBeGreaterThan(0);
  });
});
