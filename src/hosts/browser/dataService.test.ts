import { readFileSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultReading } from '../../base/config/reading.ts';
import { rowLengths } from '../../content/data/tokens/tokenize.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { modelPath, robotStories as storiesPath } from '../../testing/fixtures.ts';
import { writeTinyStories } from '../../testing/tinyStories.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { fixture } from '../../testing/tokenizers.ts';
import { textInThread } from '../../content/guard/textInThread.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { openShards } from '../../content/data/streamed/openShards.ts';
import type { RowsPlace } from '../../content/data/tokens/trainRows.ts';
import { createDataService } from './dataService.ts';
import type { ModelSource } from './messages.ts';

const ignore = () => undefined;
const options = { reading: defaultReading, maxLength: 512, evalFraction: 0, seed: 42 };

const tinyStories = writeTinyStories(scratchFolder());

function modelSource(folder: string): ModelSource {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => new File([readFileSync(`${folder}/${file}`)], file));
  return { kind: 'files', name: basename(folder), files };
}

function robotStories(): File {
  return new File([readFileSync(storiesPath)], 'robot-stories.jsonl');
}

async function serviceWithStories() {
  const service = createDataService(textInThread);
  await service.openTokenizer(modelSource(tinyStories), 512);
  await service.openDataset({ kind: 'file', file: robotStories() }, ignore);
  return service;
}

describe('data service', () => {
  it('reads, tokenizes and shows the robot stories', async () => {
    const service = createDataService(textInThread);
    expect(await service.openTokenizer(modelSource(tinyStories), 512)).toEqual({ fallbackTemplate: true });
    const summary = await service.openDataset({ kind: 'file', file: robotStories() }, ignore);
    expect(summary).toMatchObject({ format: 'prompt_completion', rows: 240, problemCount: 0 });

    const tokenized = await service.tokenize(options, ignore);
    expect(tokenized).toMatchObject({ rows: 240, evalRows: 0, truncatedRows: 0 });
    expect(tokenized.trainedTokens).toBeLessThan(tokenized.tokens);
    expect(tokenized.histogram.reduce((sum, { rows }) => sum + rows, 0)).toBe(240);
    expect(tokenized.histogram.at(-1)!.to).toBe(tokenized.longest);

    const { line, tokens, pieces } = await service.preview(0);
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

  it('holds rows out for evaluation, and gives every row to the engine once', async () => {
    const service = await serviceWithStories();
    const { rows, evalRows, tokens, trainedTokens } = await service.tokenize(
      { ...options, evalFraction: 0.1 },
      ignore,
    );
    expect([rows, evalRows]).toEqual([216, 24]);
    const { train, evaluation } = await service.rows();
    expect(train.offsets).toHaveLength(217);
    expect(evaluation?.offsets).toHaveLength(25);
    expect(train.ids).toHaveLength(tokens);
    expect(train.labels.filter((label) => label >= 0)).toHaveLength(trainedTokens);
    const shapes = await service.rowShapes();
    expect(shapes.train.tokens).toEqual(rowLengths(train));
    expect(shapes.train.targets.reduce((sum, count) => sum + count, 0)).toBe(trainedTokens);
    expect(shapes.evaluation?.tokens).toHaveLength(24);
  });

  it('adds rows that are trained on, and moves no other between training and evaluation', async () => {
    const service = await serviceWithStories();
    const apart = { ...options, evalFraction: 0.1 };
    await service.tokenize(apart, ignore);
    const before = (await service.heldOutPrompts()).prompts.map(({ line }) => line);
    expect(before).toHaveLength(24);
    const messages = [
      { role: 'user' as const, content: 'Who is Zip?' },
      { role: 'assistant' as const, content: 'A robot.' },
    ];
    expect(await service.changeRows({ kind: 'add', messages })).toMatchObject({ added: 1, undoable: 1 });
    expect(await service.tokenize(apart, ignore)).toMatchObject({ rows: 217, evalRows: 24 });
    expect((await service.heldOutPrompts()).prompts.map(({ line }) => line)).toEqual(before);
    const added = await service.preview(240);
    expect(added).toMatchObject({ added: true, edited: false, use: 'train' });
    expect(added.pieces.map(({ text }) => text).join('')).toContain('A robot.');
    expect(await (await service.changedFile()).text()).toMatch(/Who is Zip\?.*\n$/);
    expect(await service.changeRows({ kind: 'undo' })).toMatchObject({ added: 0 });
    expect(await service.tokenize(apart, ignore)).toMatchObject({ rows: 216 });
  });

  it('makes held-out rows ready to be scored, with the system message of the chat', async () => {
    const service = await serviceWithStories();
    await service.tokenize({ ...options, evalFraction: 3 }, ignore);
    const settings = {
      options: {},
      maxNewTokens: 9,
      maxPositions: 512,
      shots: 0,
      system: '',
      templateArgs: {},
    };
    const metrics = ['loss', 'exact', 'json'] as const;
    const { data, problems } = await service.heldOutEvaluation({ ...settings, metrics });
    const { prompts } = await service.heldOutPrompts();
    expect(data).toMatchObject({ metrics, maxNewTokens: 9, choices: [] });
    expect(data.answers.map(({ line, expected }) => [line, expected])).toEqual(
      prompts.map(({ line, expected }) => [line, expected]),
    );
    expect(data.losses!.rows.map(({ line }) => line)).toEqual(prompts.map(({ line }) => line));
    const { evaluation } = await service.rows();
    expect(data.losses!.tokens.ids).toEqual(evaluation!.ids);
    expect(problems).toEqual([]);
    const asked = async (changed: Partial<typeof settings>, of: readonly ('loss' | 'exact')[]) =>
      service.heldOutEvaluation({ ...settings, ...changed, metrics: of });
    const [first] = (await asked({ system: 'Be brief.' }, ['exact'])).data.answers;
    expect(first!.ids.length).toBeGreaterThan(data.answers[0]!.ids.length);
    expect((await asked({}, ['loss'])).data.answers).toEqual([]);
    const none = await asked({ maxPositions: 4 }, ['loss', 'exact']);
    expect(none.data.metrics).toEqual(['loss']);
    expect(none.problems.map(({ code }) => code)).toEqual(Array(3).fill('infer.prompt_too_long'));
  });

  it('makes the rows of a file ready to be scored, questions with choices among them', async () => {
    const service = await serviceWithStories();
    const settings = { maxNewTokens: 9, maxPositions: 512, shots: 0, system: '', templateArgs: {} };
    const metrics = ['loss', 'regex', 'choice'] as const;
    const prepare = (
      rows: readonly unknown[],
      of: readonly ('loss' | 'regex' | 'choice')[] = metrics,
      shots = 0,
    ) => {
      const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
      const file = new File([text], 'rows.jsonl');
      const options = { regex: /a/u };
      return service.fileEvaluation(
        { kind: 'file', file },
        { ...settings, options, metrics: of, shots },
        'assistant',
      );
    };
    const question = { question: 'Is it day?', choices: ['yes', 'no'], answer: 'A' };
    const choices = await prepare([question, { question: 'And now?', choices: ['yes'], answer: 'A' }]);
    expect(choices.data).toMatchObject({ metrics: ['choice'], options: { regex: /a/u }, answers: [] });
    expect(choices.data.choices.map(({ row }) => row.line)).toEqual([1]);
    expect(choices.problems).toMatchObject([{ line: 2, code: 'data.choices_invalid' }]);
    const rows = await prepare([{ prompt: 'Who?', completion: 'Pip.' }]);
    expect(rows.data.metrics).toEqual(['loss', 'regex']);
    expect(rows.data.answers).toMatchObject([{ line: 1, text: 'Who?', expected: 'Pip.' }]);
    await expectGraftError(() => prepare([question], ['loss']), 'data.metric_without_rows');
    const other = { ...question, question: 'Is it night?', answer: 'B' };
    const shown = await prepare([question, other], metrics, 1);
    expect(shown.data.shots).toBe(1);
    const lengthOf = ({ pairs: [first] }: (typeof shown.data.choices)[number]) => first!.context.length;
    expect(lengthOf(shown.data.choices[0]!)).toBeGreaterThan(lengthOf(choices.data.choices[0]!));
    await expectGraftError(() => prepare([question], metrics, 1), 'data.too_few_shots', { shots: 1 });
  });

  it('has the prompts of held-out rows with their answers, and of pasted texts', async () => {
    const service = await serviceWithStories();
    await service.tokenize({ ...options, evalFraction: 2 }, ignore);
    const { prompts, skipped, problems } = await service.heldOutPrompts();
    expect([prompts.length, skipped, problems]).toEqual([2, 0, []]);
    expect(prompts[0]!.text).toMatch(/^Tell a story about Zip/);
    expect(prompts[0]!.expected).toMatch(/^Zip was a little robot/);

    const lines = await service.readPrompts(' Who?\r\n\n  Where? \n');
    expect(lines.prompts.map(({ line, text, expected }) => [line, text, expected])).toEqual([
      [1, 'Who?', null],
      [3, 'Where?', null],
    ]);
    const rows = [
      '{"prompt": "Who?"}',
      '{"instruction": "Sum", "input": "1, 2", "output": "3"}',
      '{"text": "Once"}',
      '{"prompt": ',
      '{"a": 1}',
      '{"messages": [{"role": "user", "content": "Hi"}]}',
    ];
    const pasted = await service.readPrompts(rows.join('\n'));
    expect(pasted.prompts.map(({ line, text, expected }) => [line, text, expected])).toEqual([
      [1, 'Who?', null],
      [2, expect.stringContaining('Sum'), '3'],
      [6, 'Hi', null],
    ]);
    expect(pasted.skipped).toBe(1);
    expect(pasted.problems.map(({ line, code }) => [line, code])).toEqual([
      [4, 'data.invalid_json'],
      [5, 'data.unknown_format'],
    ]);
  });

  it('counts the rows it cuts', async () => {
    const service = await serviceWithStories();
    const { truncatedRows, longest } = await service.tokenize({ ...options, maxLength: 70 }, ignore);
    expect(longest).toBe(70);
    expect(truncatedRows).toBeGreaterThan(0);
  });

  it('reports bad rows by line, and leaves the open file in place when another is unusable', async () => {
    const service = await serviceWithStories();
    const rows = ['{"prompt":"a","completion":"b"}', '{"prompt": ', '[1]'].join('\n');
    const summary = await service.openDataset(
      { kind: 'file', file: new File([rows], 'mixed.jsonl') },
      ignore,
    );
    expect(summary.problemCount).toBe(2);
    expect(summary.problems.map(({ line }) => line)).toEqual([2, 3]);
    await expect(
      service.openDataset({ kind: 'file', file: new File(['{"a": 1}'], 'odd.jsonl') }, ignore),
    ).rejects.toMatchObject({
      code: 'data.unknown_format',
    });
    expect((await service.tokenize(options, ignore)).rows).toBe(1);
  });

  it('shows the first rows of a large file, and tokenizes all of them for a run, also after a stop', async () => {
    const root = new MemoryDirectory('rows');
    const large = { root: async () => root, from: 1024, workers: () => 2 };
    const service = createDataService(textInThread, undefined, large);
    const memory = await serviceWithStories();
    await service.openTokenizer(modelSource(tinyStories), 512);
    const summary = await service.openDataset({ kind: 'file', file: robotStories() }, ignore);
    expect(summary).toMatchObject({ rows: 240, sampleOf: robotStories().size });
    const split = { ...options, evalFraction: 'auto' as const };
    await memory.tokenize(split, ignore);
    expect(await service.tokenize(split, ignore)).toMatchObject({ rows: 216, evalRows: 24 });
    expect((await service.preview(0)).line).toBe(1);

    const stopped = service.runRows(() => void service.stopRows());
    await expect(stopped).rejects.toMatchObject({ code: 'data.tokenizing_stopped' });
    const { train, evaluation } = await service.runRows(ignore);
    const expected = await memory.runRows(ignore);
    expect(evaluation).toEqual(expected.evaluation);
    const { train: rows } = await openShards(root, train as RowsPlace);
    const { ids, labels, offsets } = await rows.read([...rows.shapes.tokens.keys()]);
    expect(expected.train).toMatchObject({ ids, labels, offsets });

    await expectGraftError(() => service.rows(), 'data.needs_memory');
    await expectGraftError(
      () => service.changeRows({ kind: 'exclude', position: 0 }),
      'data.large_not_changed',
    );
    await expectGraftError(() => service.heldOutPrompts(), 'data.large_held_out');
  });

  it('trains pre-tokenized rows of a model without a tokenizer, and nothing else', async () => {
    const service = createDataService(textInThread);
    expect(await service.openTokenizer(modelSource(modelPath('tiny-qwen3')), 512)).toBeNull();
    await service.openDataset({ kind: 'file', file: robotStories() }, ignore);
    await expect(service.tokenize(options, ignore)).rejects.toMatchObject({ code: 'data.no_tokenizer' });
    await service.openDataset(
      { kind: 'file', file: new File(['{"input_ids":[1,2,3],"labels":[-100,2,3]}'], 'ids.jsonl') },
      ignore,
    );
    expect(await service.tokenize(options, ignore)).toMatchObject({ rows: 1, tokens: 3, trainedTokens: 2 });
    expect((await service.preview(0)).pieces.map(({ trained }) => trained)).toEqual([false, true]);
  });

  it('measures the loss on a validation file instead, and finds rows that are in both', async () => {
    const service = await serviceWithStories();
    const split = { ...options, evalFraction: 'auto' as const };
    expect(await service.tokenize(split, ignore)).toMatchObject({
      rows: 216,
      evalRows: 24,
      validation: null,
    });
    const lines = (await robotStories().text()).split('\n').slice(0, 2);
    const file = new File(
      [[...lines, 'broken', '{"prompt":"Who?","completion":"Zip."}'].join('\n')],
      'v.jsonl',
    );
    expect(await service.openValidation({ kind: 'file', file }, ignore)).toEqual({
      name: 'v.jsonl',
      rows: 3,
      problemCount: 1,
    });
    const tokenized = await service.tokenize(split, ignore);
    expect(tokenized).toMatchObject({ rows: 240, evalRows: 3, problemCount: 0 });
    expect(tokenized.validation).toMatchObject({ problemCount: 1, problems: [{ line: 3, position: null }] });
    const { train, evaluation } = await service.rows();
    expect([train.offsets.length, evaluation?.offsets.length]).toEqual([241, 4]);
    expect((await service.rowShapes()).evaluation?.tokens).toHaveLength(3);
    const findings = await service.lint();
    expect(findings[0]).toMatchObject({ code: 'inValidation', severity: 'error' });
    expect(findings[0]!.rows.map(({ line }) => line)).toEqual(expect.arrayContaining([1, 2]));

    // It stays for another data file, and one that can't be read changes nothing.
    await service.openDataset({ kind: 'file', file: robotStories() }, ignore);
    const odd = { kind: 'file' as const, file: new File(['{"a": 1}'], 'odd.jsonl') };
    await expect(service.openValidation(odd, ignore)).rejects.toMatchObject({ code: 'data.unknown_format' });
    expect((await service.tokenize(split, ignore)).evalRows).toBe(3);
    expect(await service.openValidation(null, ignore)).toBeNull();
    expect(await service.tokenize(split, ignore)).toMatchObject({ rows: 216, evalRows: 24 });
  });

  it('refuses a tokenizer that does not fit the model', async () => {
    const service = createDataService(textInThread);
    await expect(service.openTokenizer(modelSource(tinyStories), 100)).rejects.toMatchObject({
      code: 'data.tokenizer_mismatch',
    });
  });

  it('applies edits and exclusions without moving other rows between training and evaluation', async () => {
    const service = await serviceWithStories();
    const split = { ...options, evalFraction: 0.1 };
    const before = await service.tokenize(split, ignore);
    const uses = async () =>
      Promise.all(Array.from({ length: 48 }, async (_, position) => (await service.preview(position)).use));
    const first = await uses();
    const training = first.indexOf('train');
    await service.changeRows({ kind: 'exclude', position: training });
    const text = '{"prompt":"Who?","completion":"Zip."}';
    expect(await service.checkRow(training + 1, text, split)).toMatchObject({ problem: null, cutTokens: 0 });
    expect(await service.changeRows({ kind: 'edit', position: training + 1, text })).toEqual({
      edited: 1,
      excluded: 1,
      added: 0,
      undoable: 2,
    });
    const after = await service.tokenize(split, ignore);
    expect(after.rows).toBe(before.rows - 1);
    expect(after.evalRows).toBe(before.evalRows);
    expect(await uses()).toEqual(first.map((use, at) => (at === training ? 'excluded' : use)));
    expect((await (await service.changedFile()).text()).split('\n')[training]).toBe(text);

    // A row without trained tokens is reported by the check, and again once it is saved.
    const empty = '{"input": "no such shape"}';
    expect((await service.checkRow(5, empty, split)).problem?.code).toBe('data.missing_field');
    await service.changeRows({ kind: 'edit', position: 5, text: empty });
    expect((await service.tokenize(split, ignore)).problems).toMatchObject([
      { line: 6, code: 'data.missing_field', position: 5 },
    ]);
    expect(await service.preview(5)).toMatchObject({ use: 'unusable', edited: true, tokens: 0 });
    for (let i = 0; i < 3; i++) await service.changeRows({ kind: 'undo' });
    expect(await service.tokenize(split, ignore)).toEqual(before);
  });

  it('ends answers at the template’s end token in a chat, and at EOS in a text', async () => {
    const service = createDataService(textInThread);
    expect(await service.trainedEnds()).toEqual([]);
    const file = (name: string, text: string) => new File([text], name);
    const files = [
      file('tokenizer.json', fixture('qwen-like.tokenizer.json')),
      file(
        'tokenizer_config.json',
        JSON.stringify({ eos_token: '<|endoftext|>', chat_template: fixture('qwen2.5.jinja') }),
      ),
    ];
    await service.openTokenizer({ kind: 'files', name: 'base', files }, 100_000);
    const [eos, end] = await service.trainedEnds();
    expect([eos?.token, end?.token]).toEqual(['<|endoftext|>', '<|im_end|>']);
    const messages = [{ role: 'user' as const, content: 'Hi' }];
    const chat = await service.promptTokens({ kind: 'chat', messages });
    expect(chat.endIds).toEqual([eos!.id, end!.id]);
    expect((await service.promptTokens({ kind: 'text', text: 'Hi' })).endIds).toEqual([eos!.id]);
    const row = '{"prompt":"Who?","completion":"Zip."}';
    await service.openDataset({ kind: 'file', file: new File([row], 'd.jsonl') }, ignore);
    await service.tokenize({ ...options, reading: { ...defaultReading, mask: 'all' } }, ignore);
    expect(await service.lint()).toEqual([
      {
        code: 'endsDiffer',
        severity: 'hint',
        count: 0,
        rows: [],
        params: { eos: '<|endoftext|>', end: '<|im_end|>' },
      },
    ]);
  });

  it('says what may be wrong, excludes it, and finds rows by text and line', async () => {
    const service = createDataService(textInThread);
    await service.openTokenizer(modelSource(tinyStories), 512);
    const rows = ['a', 'b', 'a', 'c', 'a'].map((prompt) => JSON.stringify({ prompt, completion: 'Zip' }));
    await service.openDataset({ kind: 'file', file: new File([rows.join('\n\n')], 'd.jsonl') }, ignore);
    await service.tokenize(options, ignore);
    expect(await service.lint()).toMatchObject([
      {
        code: 'duplicate',
        count: 2,
        rows: [
          { position: 2, line: 5 },
          { position: 4, line: 9 },
        ],
      },
    ]);
    expect((await service.preview(2)).codes).toEqual(['duplicate']);
    expect(await service.findRow('ZIP', 3, 1)).toEqual({ position: 3, matches: 5 });
    expect(await service.findRow('c', 4, 1)).toEqual({ position: 3, matches: 1 });
    expect(await service.findRow('no', 0, -1)).toEqual({ position: null, matches: 0 });
    expect(await service.rowAtLine(6)).toBe(3);
    await service.changeRows({ kind: 'excludeFound', code: 'duplicate' });
    expect((await service.tokenize(options, ignore)).rows).toBe(3);
    expect(await service.lint()).toEqual([]);
  });

  it('reads a table by the columns that a person chooses', async () => {
    const service = createDataService(textInThread);
    await service.openTokenizer(modelSource(tinyStories), 512);
    const file = new File(['frage;antwort\nWho?;Zip\nWhere?;\n'], 'd.csv');
    const summary = await service.openDataset({ kind: 'file', file }, ignore);
    expect(summary).toMatchObject({ kind: 'csv', format: null, rows: 2 });
    await expect(service.tokenize(options, ignore)).rejects.toMatchObject({
      code: 'data.columns_not_chosen',
    });
    const mapping = summary.guess!;
    expect(await service.mappedRows(mapping)).toMatchObject([
      {
        line: 2,
        turns: [
          { role: 'user', content: 'Who?' },
          { role: 'assistant', content: 'Zip' },
        ],
      },
      { line: 3 },
    ]);
    expect((await service.mapColumns(mapping)).format).toBe('columns');
    expect((await service.tokenize(options, ignore)).rows).toBe(2);
    expect(await service.lint()).toMatchObject([{ code: 'emptyAnswer', count: 1 }]);
    expect((await service.changedFile()).name).toBe('d-changed.jsonl');
  });

  it('reads the chosen list of rows, and reports how the file was read', async () => {
    const service = createDataService(textInThread);
    const row = (prompt: string) => ({ prompt, completion: 'Zip' });
    const content = JSON.stringify({ meta: { by: 'me' }, a: [row('1')], b: [row('2'), row('3')] });
    const source = { kind: 'file', file: new File([content], 'two.json') } as const;
    await expect(service.openDataset(source, ignore)).rejects.toMatchObject({
      code: 'data.rows_field_unclear',
      params: { fields: 'a, b', choices: '["a","b"]' },
    });
    const summary = await service.openDataset(source, ignore, 'b');
    expect(summary).toMatchObject({ kind: 'json', kindFrom: 'name', encoding: 'utf-8', rows: 2 });
    expect(summary).toMatchObject({ rowsField: 'b', otherRowsFields: ['a'] });
    expect(await service.rowText(0)).toContain('"2"');

    const lines = [row('1'), row('2')].map((value) => JSON.stringify(value)).join('\n');
    const wide = new File([Buffer.from(`\ufeff${lines}`, 'utf16le')], 'data.txt');
    const text = await service.openDataset({ kind: 'file', file: wide }, ignore);
    expect(text).toMatchObject({ kind: 'jsonl', kindFrom: 'content', encoding: 'utf-16le', rows: 2 });
    expect(text).not.toHaveProperty('rowsField');
  });

  it('shows which part of a row is cut off', async () => {
    const service = await serviceWithStories();
    await service.tokenize({ ...options, maxLength: 60 }, ignore);
    const { tokens, cutTokens, pieces } = await service.preview(0);
    expect(tokens).toBe(60);
    const count = (cut: boolean) =>
      pieces.filter((piece) => Boolean(piece.cut) === cut).reduce((sum, piece) => sum + piece.tokens, 0);
    expect([count(false), count(true)]).toEqual([60, cutTokens]);
    expect(cutTokens).toBeGreaterThan(0);
  });
});
