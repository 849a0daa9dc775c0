import { describe, expect, test } from 'vitest';
import { memoryFolder } from '../../../testing/sources.ts';
import { fixture } from '../../../testing/tokenizers.ts';
import { textPrompt } from '../template/prompt.ts';
import { loadTokenizer, loadVocabulary, StreamDecoder, type Tokenizer } from './tokenizer.ts';

type Json = Record<string, unknown>;

/**
 * Reference answers of Python's `tokenizers`: ids with and without special tokens, their text, and [start, end, …] of
 * each.
 */
interface Answer {
  refused?: string;
  with: number[];
  without: number[];
  text: string | null;
  textOnly: string | null;
  places: number[] | null;
}

const reference = JSON.parse(fixture('reference-tokenizers.json')) as {
  texts: string[];
  models: Json[];
  tokenizers: { name: string; json: Json; answers: Answer[] }[];
};

function jsonOf(name: string): Json {
  const { json } = reference.tokenizers.find((each) => each.name === name)!;
  return { ...json, model: reference.models[json.model as number] };
}

async function load(json: Json, config: Json = {}): Promise<Tokenizer> {
  const files = { 'tokenizer.json': JSON.stringify(json), 'tokenizer_config.json': JSON.stringify(config) };
  return (await loadTokenizer(memoryFolder(files)))!;
}

const special = (content: string, flags: Json = {}) => ({
  id: 0,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
  ...flags,
});

describe('like Python’s tokenizers', () => {
  test.each(reference.tokenizers)('$name', async ({ name, answers }) => {
    const tokenizer = await load(jsonOf(name));
    for (const [i, text] of reference.texts.entries()) {
      const answer = answers[i]!;
      // The library panics on some texts; those have no correct answer.
      if (answer.refused !== undefined) continue;
      const ids = tokenizer.encode(text);
      const without = tokenizer.encode(text, { addSpecialTokens: false });
      expect([text, ids, without]).toEqual([text, answer.with, answer.without]);
      const tracked = tokenizer.encodeWithOffsets(text, { addSpecialTokens: false });
      expect([text, tracked.ids]).toEqual([text, answer.without]);
      const places = tracked.starts.flatMap((start, k) => [start, tracked.ends[k]!]);
      if (answer.places) expect([text, places]).toEqual([text, answer.places]);
      if (answer.text !== null) expect(tokenizer.decode(ids)).toBe(answer.text);
      if (answer.textOnly !== null) {
        expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(answer.textOnly);
      }
    }
  });

  test.each(['Gemma', 'Llama', 'Metaspace always True', 'Split Isolated', 'Unigram True'])(
    'streaming gives the same text: %s',
    async (name) => {
      const tokenizer = await load(jsonOf(name));
      for (const text of reference.texts) {
        const ids = tokenizer.encode(text);
        const decoder = new StreamDecoder(tokenizer, { skipSpecialTokens: false });
        expect(ids.map((id) => decoder.push(id)).join('') + decoder.flush()).toBe(tokenizer.decode(ids));
      }
    },
  );

  test('a vocabulary alone decodes the same', async () => {
    const json = jsonOf('Gemma');
    const vocabulary = await loadVocabulary(memoryFolder({ 'tokenizer.json': JSON.stringify(json) }));
    const tokenizer = await load(json);
    for (const text of reference.texts) {
      const ids = tokenizer.encode(text);
      expect(vocabulary!.decode(ids)).toBe(tokenizer.decode(ids));
    }
    expect(vocabulary!.decode(tokenizer.encode('a    b'))).toBe('a    b');
  });
});

describe('special tokens in a text', () => {
  const json = () => {
    const base = jsonOf('Split Isolated');
    return { ...base, added_tokens: [special('<|end|>'), special('<tool>', { special: false })] };
  };

  test('are returned with their ranges', async () => {
    const tokenizer = await load(json());
    const id = tokenizer.idOf('<|end|>');
    expect(tokenizer.specialTokensIn('é🍣<|end|> <tool><|end|>')).toEqual([
      { id, token: '<|end|>', start: 3, end: 10 },
      { id, token: '<|end|>', start: 17, end: 24 },
    ]);
    expect(tokenizer.specialTokensIn('')).toEqual([]);
  });

  test('are text inside plain ranges, unlike other added tokens', async () => {
    const tokenizer = await load(json());
    const text = 'a<|end|>b<tool><|end|>';
    const [end, tool] = [tokenizer.idOf('<|end|>')!, tokenizer.idOf('<tool>')!];
    const count = (plain: [number, number][], id: number) =>
      tokenizer.encode(text, { plain }).filter((each) => each === id).length;
    expect([count([], end), count([[1, 8]], end), count([[0, text.length]], end)]).toEqual([2, 1, 0]);
    // A range that a token only touches doesn't count; one that overlaps it does.
    expect([count([[0, 1]], end), count([[7, 9]], end)]).toEqual([2, 1]);
    expect(count([[0, text.length]], tool)).toBe(1);
    const tracked = tokenizer.encodeWithOffsets(text, { plain: [[1, 8]] });
    expect(tracked.ids).toEqual(tokenizer.encode(text, { plain: [[1, 8]] }));
    expect(tokenizer.decode(tracked.ids)).toBe(text);
  });

  test('matched in normalized text are text there too', async () => {
    const base = { ...jsonOf('Split Isolated'), normalizer: { type: 'Lowercase' } };
    const tokenizer = await load({ ...base, added_tokens: [special('<END>', { normalized: true })] });
    const end = tokenizer.idOf('<END>')!;
    expect(tokenizer.encode('İ<End>a<end>')).toContain(end);
    expect(tokenizer.encode('İ<End>a<end>', { plain: [[1, 6]] }).filter((id) => id === end)).toHaveLength(1);
    expect(tokenizer.specialTokensIn('İ<End>a').map(({ start, end: to }) => [start, to])).toEqual([[1, 6]]);
  });

  test('of tokenizer_config.json are matched like those of tokenizer.json', async () => {
    const config = { eos_token: '<|stop|>', additional_special_tokens: [{ content: '<x>', lstrip: true }] };
    const tokenizer = await load(jsonOf('Split Isolated'), config);
    const stop = tokenizer.idOf('<|stop|>');
    expect(tokenizer.eosIds).toEqual([stop]);
    expect(tokenizer.encode('a<|stop|> <x>')).toEqual([
      tokenizer.encode('a')[0],
      stop,
      tokenizer.idOf('<x>'),
    ]);
  });
});

test('a text to be continued does not end with EOS', async () => {
  const frame = (ids: [string, number][], end: [string, number][]) => ({
    type: 'TemplateProcessing',
    single: [
      ...ids.map(([id]) => ({ SpecialToken: { id, type_id: 0 } })),
      { Sequence: { id: 'A', type_id: 0 } },
      ...end.map(([id]) => ({ SpecialToken: { id, type_id: 0 } })),
    ],
    pair: [],
    special_tokens: Object.fromEntries(
      [...ids, ...end].map(([id, n]) => [id, { id, ids: [n], tokens: [id] }]),
    ),
  });
  const json = { ...jsonOf('Llama'), added_tokens: [special('<s>'), special('</s>')] };
  const config = { bos_token: '<s>', eos_token: '</s>' };
  const { bosId, eosIds } = await load(json, config);
  const both = frame([['<s>', bosId!]], [['</s>', eosIds[0]!]]);
  const tokenizer = await load({ ...json, post_processor: both }, config);
  expect([tokenizer.addBos, tokenizer.addEos]).toEqual([true, true]);
  const body = tokenizer.encode('the cat', { addSpecialTokens: false });
  expect(tokenizer.encode('the cat')).toEqual([bosId, ...body, eosIds[0]]);
  expect(textPrompt(tokenizer, 'the cat')).toEqual([bosId, ...body]);
});

test.each([-1, 2 ** 53, 1e300])('a template of tokens has no token %d', async (id) => {
  const json = jsonOf('Llama');
  const frame = {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [],
    special_tokens: { '<s>': { id: '<s>', ids: [id], tokens: ['<s>'] } },
  };
  await expect(load({ ...json, post_processor: frame })).rejects.toMatchObject({
    code: 'data.tokenizer_invalid',
  });
});

describe('unsupported or invalid features are named', () => {
  const base = jsonOf('Split Isolated');
  const model = base.model as Json;
  test.each<[string, Json, string, string]>([
    ['a decoder', { decoder: { type: 'CTC' } }, 'data.tokenizer_unsupported', 'the decoder CTC'],
    ['dropout', { model: { ...model, dropout: 0.1 } }, 'data.tokenizer_unsupported', 'dropout 0.1'],
    ['a pre-tokenizer', { pre_tokenizer: { type: 'Words' } }, 'data.tokenizer_unsupported', 'pre_tokenizer'],
    ['a normalizer', { normalizer: { type: 'Magic' } }, 'data.tokenizer_unsupported', 'the normalizer Magic'],
    ['a post-processor', { post_processor: { type: 'X' } }, 'data.tokenizer_unsupported', 'post_processor'],
    [
      'a pattern',
      { normalizer: { type: 'Replace', pattern: { Regex: String.raw`(a)\1` }, content: '' } },
      'data.tokenizer_unsupported',
      String.raw`"\1" in the pattern`,
    ],
    [
      'a behavior',
      { pre_tokenizer: { type: 'Split', pattern: { String: 'a' }, behavior: 'Sideways', invert: false } },
      'data.tokenizer_invalid',
      'pre_tokenizer.behavior should be one of Removed',
    ],
    [
      'a model',
      { model: { type: 'Nonsense' } },
      'data.tokenizer_invalid',
      'model.type should be BPE, Unigram, WordPiece or WordLevel: it is "Nonsense"',
    ],
    ['a merge', { model: { ...model, merges: [['a', '?!']] } }, 'data.tokenizer_invalid', 'model.merges'],
    ['an id', { model: { ...model, vocab: { a: -1 } } }, 'data.tokenizer_invalid', '"a" has no id'],
    ['two ids', { model: { ...model, vocab: { a: 1, b: 1 } } }, 'data.tokenizer_invalid', 'the same id 1'],
    [
      'an added token',
      { added_tokens: [{ content: 'a' }] },
      'data.tokenizer_invalid',
      'single_word is missing',
    ],
  ])('%s', async (_, change, code, detail) => {
    await expect(load({ ...base, ...change })).rejects.toMatchObject({
      code,
      params: { file: 'tokenizer.json', detail: expect.stringContaining(detail) },
    });
  });

  test('a character without a token, if there is no unknown token', async () => {
    const json = jsonOf('Unigram False');
    const tokenizer = await load({ ...json, model: { ...(json.model as Json), unk_id: null } });
    expect(() => tokenizer.encode('🍣')).toThrow('model.unk_id is missing');
  });
});

test('a vocabulary runs no patterns', async () => {
  const hang = { type: 'Replace', pattern: { Regex: '(a+)+$' }, content: '' };
  const json = {
    ...jsonOf('Split Isolated'),
    normalizer: hang,
    decoder: { type: 'Sequence', decoders: [{ type: 'Fuse' }, hang] },
    added_tokens: [special(`${'a'.repeat(40)}!`, { normalized: true })],
  };
  const vocabulary = await loadVocabulary(memoryFolder({ 'tokenizer.json': JSON.stringify(json) }));
  const added = vocabulary!.idOf(`${'a'.repeat(40)}!`)!;
  expect(vocabulary!.decode([added])).toBe(`${'a'.repeat(40)}!`);
});

test('long words are merged like short ones', async () => {
  const tokenizer = await load(jsonOf('Gemma'));
  const text = 'the cat and the 2024 漢字 '.repeat(400);
  const one = tokenizer.encode('the cat and the 2024 漢字 the cat', { addSpecialTokens: false });
  const all = tokenizer.encode(text, { addSpecialTokens: false });
  expect(all.slice(0, one.length - 1)).toEqual(one.slice(0, -1));
  expect(tokenizer.decode(all)).toBe(text);
  expect(tokenizer.encodeWithOffsets(text, { addSpecialTokens: false }).ids).toEqual(all);
  const unbroken = tokenizer.encode('thecatand'.repeat(300), { addSpecialTokens: false });
  expect(tokenizer.decode(unbroken)).toBe('thecatand'.repeat(300));
  expect(unbroken).toHaveLength(3 * 300);
});
