import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryFolder } from '../../../base/storage/memoryFolder.ts';
import { memoryFolder } from '../../../testing/sources.ts';
import { fixture, llama2Tokenizer, llama3Tokenizer, qwenTokenizer } from '../../../testing/tokenizers.ts';
import { tokenizeRows } from '../tokens/tokenize.ts';
import { checkIdsFit, checkTokenizerFits, loadTokenizer, StreamDecoder } from './tokenizer.ts';

interface Reference {
  text: string;
  ids: number[];
  plain: number[];
  decoded: string;
}
const references: Record<string, Reference[]> = {
  ...(JSON.parse(fixture('reference-ids.json')) as object),
  llama2: JSON.parse(fixture('reference-llama2.json')) as Reference[],
};
const tokenizers = {
  llama2: llama2Tokenizer,
  qwen: () => qwenTokenizer(),
  llama3: () => llama3Tokenizer(),
};
const names = Object.keys(tokenizers) as (keyof typeof tokenizers)[];

describe.each(names)('%s', (name) => {
  test('matches ids and texts of Python’s tokenizers', async () => {
    const tokenizer = await tokenizers[name]();
    const rows = references[name] ?? [];
    expect(rows.length).toBeGreaterThan(20);
    for (const { text, ids, plain, decoded } of rows) {
      expect([text, tokenizer.encode(text)]).toEqual([text, ids]);
      expect([text, tokenizer.encode(text, { addSpecialTokens: false })]).toEqual([text, plain]);
      expect([text, tokenizer.decode(plain)]).toEqual([text, decoded]);
    }
  });

  test('streaming gives complete characters that concatenate to the text', async () => {
    const tokenizer = await tokenizers[name]();
    const unit = fc.oneof(
      fc.constantFrom('🙂', '你', 'é', ' ', '\n', '<', '▁x', '\ufeff'),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 12 }), (units) => {
        const text = units.join('').normalize('NFC');
        const ids = tokenizer.encode(text, { addSpecialTokens: false });
        const decoder = new StreamDecoder(tokenizer, { skipSpecialTokens: false });
        const pieces = ids.map((id) => decoder.push(id));
        for (const piece of pieces) expect(piece).not.toContain('\ufffd');
        expect(pieces.join('') + decoder.flush()).toBe(tokenizer.decode(ids));
        // '▁' itself is a space to SentencePiece: nothing can bring it back.
        expect(tokenizer.decode(ids)).toBe(name === 'llama2' ? text.replaceAll('▁', ' ') : text);
      }),
    );
  });
});

describe('streaming', () => {
  test('byte fallback waits for the whole character, flush shows what is missing', async () => {
    const tokenizer = await llama2Tokenizer();
    const ids = tokenizer.encode('🙂', { addSpecialTokens: false });
    const decoder = new StreamDecoder(tokenizer);
    expect(ids.slice(-4).map((id) => decoder.push(id))).toEqual(['', '', '', '🙂']);
    decoder.push(ids.at(-4) ?? 0);
    expect(decoder.flush()).toBe('\ufffd');
  });

  test('a leading space is dropped at the start, kept in a continuation', async () => {
    const tokenizer = await llama2Tokenizer();
    const [bos = 0, ...ids] = tokenizer.encode('Zip was');
    const start = new StreamDecoder(tokenizer);
    expect([bos, ...ids].map((id) => start.push(id)).join('')).toBe('Zip was');
    const later = new StreamDecoder(tokenizer, { keepLeadingSpace: true });
    expect(ids.map((id) => later.push(id)).join('')).toBe(' Zip was');
  });

  test('special tokens are omitted unless requested', async () => {
    const tokenizer = await qwenTokenizer();
    const ids = tokenizer.encode('Hi<|im_end|>');
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe('Hi');
    expect(tokenizer.decode(ids)).toBe('Hi<|im_end|>');
  });
});

describe('files', () => {
  test('no tokenizer.json gives null; broken files are reported by name', async () => {
    expect(await loadTokenizer(memoryFolder({ 'config.json': '{}' }))).toBeNull();
    for (const [file, content] of [
      ['tokenizer.json', '{"model":'],
      ['tokenizer.json', '{"model":{"type":"Nonsense"}}'],
      ['tokenizer.json', '<html>'],
      ['tokenizer_config.json', '[]'],
    ] as const) {
      const files = { 'tokenizer.json': fixture('qwen-like.tokenizer.json'), [file]: content };
      await expect(loadTokenizer(memoryFolder(files))).rejects.toMatchObject({
        code: 'data.tokenizer_invalid',
        params: { file },
      });
    }
  });

  test('special tokens are merged from all files', async () => {
    const llama2 = await llama2Tokenizer();
    expect(llama2).toMatchObject({
      bosId: 1,
      eosIds: [2],
      padId: null,
      vocabSize: 512,
      addBos: true,
      chatTemplate: null,
    });
    const files = {
      'tokenizer.json': fixture('qwen-like.tokenizer.json'),
      'tokenizer_config.json': JSON.stringify({ eos_token: '<|im_end|>', bos_token: null }),
      'special_tokens_map.json': JSON.stringify({
        bos_token: '<|im_start|>',
        pad_token: { content: '<|endoftext|>' },
      }),
      'generation_config.json': JSON.stringify({ eos_token_id: [422, 420], bos_token_id: 420 }),
      'config.json': JSON.stringify({ eos_token_id: 420 }),
    };
    const tokenizer = await loadTokenizer(memoryFolder(files));
    expect(tokenizer).toMatchObject({
      bosId: 420,
      eosIds: [422, 420],
      padId: 420,
      addBos: false,
      vocabSize: 425,
    });
    expect(tokenizer?.specialTokens).toEqual({ eos_token: '<|im_end|>', pad_token: '<|endoftext|>' });
    expect([...(tokenizer?.specialIds ?? [])]).toEqual([420, 421, 422]);
  });

  test('adds what tokenizer.json says, whatever add_bos_token says', async () => {
    const with_ = (value: boolean) =>
      loadTokenizer(
        memoryFolder({
          'tokenizer.json': fixture('llama3-like.tokenizer.json'),
          'tokenizer_config.json': JSON.stringify({ bos_token: '<|begin_of_text|>', add_bos_token: value }),
        }),
      );
    const off = await with_(false);
    const on = await with_(true);
    expect(on?.encode('Hi')).toEqual([on?.bosId, ...(on?.encode('Hi', { addSpecialTokens: false }) ?? [])]);
    expect(off?.encode('Hi')).toEqual(on?.encode('Hi'));
    expect([on?.addBos, off?.addBos, off?.addEos]).toEqual([true, true, false]);
  });

  test('chat templates for tools, in JSON and in separate files', async () => {
    const base = {
      'tokenizer.json': fixture('qwen-like.tokenizer.json'),
      'tokenizer_config.json': JSON.stringify({ chat_template: { default: 'd', tool_use: 't' } }),
    };
    const named = await loadTokenizer(memoryFolder(base));
    expect([named?.chatTemplate, named?.toolTemplate]).toEqual(['d', 't']);
    const folder = new MemoryFolder('model', base);
    folder.folders.set(
      'additional_chat_templates',
      new MemoryFolder('more', { 'tool_use.jinja': 'u', 'rag.jinja': 'r' }),
    );
    const alone = await loadTokenizer(folder);
    expect(alone?.chatTemplate).toContain('(rag, tool_use) and none of them is the default');
    expect(alone?.toolTemplate).toBe('u');
    folder.files.set('chat_template.jinja', new TextEncoder().encode('own'));
    const both = await loadTokenizer(folder);
    expect([both?.chatTemplate, both?.toolTemplate]).toEqual(['own', 'u']);
  });

  test('chat templates: text, list, and the file that wins', async () => {
    const template = async (config: unknown, jinja?: string) => {
      const files = {
        'tokenizer.json': fixture('qwen-like.tokenizer.json'),
        'tokenizer_config.json': JSON.stringify({ chat_template: config }),
        ...(jinja === undefined ? {} : { 'chat_template.jinja': jinja }),
      };
      return (await loadTokenizer(memoryFolder(files)))?.chatTemplate;
    };
    const list = [
      { name: 'rag', template: 'r' },
      { name: 'default', template: 'd' },
    ];
    expect(await template('a')).toBe('a');
    expect(await template(list)).toBe('d');
    expect(await template(list.slice(0, 1))).toContain(
      "raise_exception('the model has several chat templates (rag)",
    );
    expect(await template({ default: 'd', tool_use: 't' })).toBe('d');
    expect(await template({ tool_use: 't' })).toContain('raise_exception');
    expect(await template('a', 'b')).toBe('b');
    expect(await template(undefined)).toBeNull();
  });

  test('a tokenizer that does not match the model is an error naming the token', async () => {
    const tokenizer = await qwenTokenizer();
    checkTokenizerFits(tokenizer, 425);
    checkTokenizerFits(tokenizer, 512);
    // Added tokens beyond the model are not an error until a text contains one.
    checkTokenizerFits(tokenizer, 423);
    expect(() => checkIdsFit(tokenizer, tokenizer.encode('a</think>b'), 424)).toThrow(
      'it has token 424 (</think>), but the model has only 424 tokens',
    );
    expect(() => checkTokenizerFits(tokenizer, 419)).toThrow('it has token 422 (<|im_end|>)');
    const rows = ['a', 'a</think>b'].map((text, i) => ({ line: i + 1, value: { text } }));
    const { lines, problems } = tokenizeRows(
      { name: 'rows.jsonl', rows },
      { tokenizer, format: 'text', maxLength: 64, vocabSize: 424 },
    );
    expect([...lines]).toEqual([1]);
    expect(problems[0]?.message).toContain(
      'Line 2 of rows.jsonl contains </think>, which is token 424 of the tokenizer',
    );
  });
});
