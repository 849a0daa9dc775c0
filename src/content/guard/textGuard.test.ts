import { afterEach, expect, it } from 'vitest';
import { defaultReading } from '../../base/config/reading.ts';
import type { TokenizerFiles } from '../data/tokenizer/tokenizerFiles.ts';
import { readTokenizerFiles } from '../data/tokenizer/tokenizerFiles.ts';
import { tokenizeLarge } from '../data/streamed/streamedFile.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { memoryFolder, memorySource } from '../../testing/sources.ts';
import { llama2Files } from '../../testing/tokenizers.ts';
import { startText } from '../../hosts/node/startText.ts';
import { TextGuard } from './textGuard.ts';
import type { WorkerLike } from '../../base/threads/workerClient.ts';

const ignore = () => undefined;
const threads: WorkerLike[] = [];
afterEach(() => threads.splice(0).forEach((thread) => thread.terminate()));

/** A guard over real threads, with a tokenizer like Llama 2’s changed by `change`. */
async function guardWith(
  change: Partial<TokenizerFiles> | ((files: TokenizerFiles) => void),
  silenceMs = 5000,
) {
  const guard = new TextGuard(() => {
    const thread = startText();
    threads.push(thread);
    return thread;
  }, silenceMs);
  const files = await readTokenizerFiles(memoryFolder(llama2Files()));
  if (!files) throw new Error('no tokenizer');
  if (typeof change === 'function') change(files);
  else Object.assign(files, change);
  await guard.open(async () => files, 512);
  return guard;
}

const rows = (...texts: string[]) => ({
  name: 'rows.jsonl',
  rows: texts.map((text, i) => ({ line: i + 1, value: { prompt: text, completion: 'b' } })),
  ...({ ...defaultReading, format: 'prompt_completion', maxLength: 64, vocabSize: 512 } as const),
  now: new Date(0),
});
const ask = { kind: 'chat', messages: [{ role: 'user', content: 'Hi' }] } as const;
const prompt = { ...ask, messages: [...ask.messages] };

it('ends a hanging pattern, reports it with its line, and continues with another worker', async () => {
  const guard = await guardWith((files) => {
    const cut = { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false };
    files.json = { ...(JSON.parse(String(files.json)) as object), pre_tokenizer: cut };
  });
  const bomb = `${'a'.repeat(1000)}!`;
  await expect(guard.tokenize(rows('Hello', bomb), ignore)).rejects.toMatchObject({
    code: 'data.pattern_hangs_on_line',
    params: { line: 2, data: 'rows.jsonl', file: 'tokenizer.json', patterns: '“(a+)+$”', seconds: 5 },
  });
  const { lines } = await guard.tokenize(rows('Hello', 'World'), ignore);
  expect([...lines]).toEqual([1, 2]);
  expect(threads).toHaveLength(2);
});

it.each([
  ['range(10^8)', '{{ range(100000000) }}', 'too long'],
  ['recursion', '{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}', 'levels deep'],
  [
    'text that doubles',
    "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    'characters',
  ],
  [
    'lists that double',
    '{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}',
    'items',
  ],
  [
    'a list that holds itself twice, forty times over',
    '{% set ns = namespace(x=[1]) %}{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}',
    'characters',
  ],
  [
    'loops without a body',
    '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}',
    'steps',
  ],
])('a template with %s ends by its limits', async (_name, chatTemplate, detail) => {
  // Not by silence, however busy the machine is.
  const guard = await guardWith({ chatTemplate }, 1e9);
  await expect(guard.prompt(prompt)).rejects.toMatchObject({
    code: 'data.template_invalid',
    params: { detail: expect.stringContaining(detail) },
  });
});

it('ends a tokenizer that hangs while it is opened', async () => {
  const longer = { type: 'Replace', pattern: { String: 'a' }, content: `${'a'.repeat(40)}!` };
  const hang = { type: 'Replace', pattern: { Regex: '(a+)+$' }, content: '' };
  const opening = guardWith((files) => {
    const normalizer = { type: 'Sequence', normalizers: [longer, hang] };
    const flags = { single_word: false, lstrip: false, rstrip: false, special: false };
    // Added tokens that are `normalized` are normalized when the tokenizer is opened.
    files.json = {
      ...(JSON.parse(String(files.json)) as object),
      normalizer,
      added_tokens: [{ content: 'a', normalized: true, ...flags }],
    };
  });
  await expect(opening).rejects.toMatchObject({ code: 'data.pattern_hangs' });
});

it('tokenizes a large file in several workers, into the shards that one makes', async () => {
  const lines = Array.from({ length: 90 }, (_, i) =>
    JSON.stringify({ prompt: `row ${i} of many`, completion: i % 40 === 33 ? 7 : 'b'.repeat(1 + (i % 9)) }),
  );
  const guard = await guardWith({});
  const { name: _, rows: _rows, now: _now, ...how } = rows();
  const digest = async (workers: number) => {
    const root = new MemoryDirectory('rows');
    const source = memorySource('rows.jsonl', lines.join('\n'));
    const tokenizer = { tokenizer: guard, tokenizerId: '' };
    const request = { ...how, name: 'rows.jsonl' };
    const { rows: made, totals } = await tokenizeLarge(source, root, tokenizer, request, {
      shardRows: 16,
      workers,
    });
    return { digest: made.digest, problems: totals.problems, rows: totals.rows };
  };
  const one = await digest(1);
  expect(one.rows).toBe(88);
  expect(threads).toHaveLength(1);
  expect(await digest(3)).toEqual(one);
  expect(threads).toHaveLength(3);
});
