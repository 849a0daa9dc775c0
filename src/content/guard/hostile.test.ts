import { afterAll, describe, expect, it } from 'vitest';
import { startText } from '../../hosts/node/startText.ts';
import { hostileFiles, type HostileProgram } from '../../testing/hostilePrograms.ts';
import { hostileTemplates } from '../../testing/hostileTemplates.ts';
import { growingTokenizers, hangingTokenizers } from '../../testing/hostileTokenizers.ts';
import { memoryFolder } from '../../testing/sources.ts';
import { llama2Files } from '../../testing/tokenizers.ts';
import { createTokenizer } from '../data/tokenizer/tokenizer.ts';
import { readTokenizerFiles } from '../data/tokenizer/tokenizerFiles.ts';
import { TextGuard } from './textGuard.ts';

/** The process may grow by so much while a hostile program runs, in bytes. */
const MAX_GROWTH = 512e6;

/** Counted programs end by their counters however busy the machine is; the others by silence. */
const counted = new TextGuard(startText, 1e9);
const timed = new TextGuard(startText);
afterAll(() => {
  counted.end();
  timed.end();
});

/** Prompts with a hostile program. Returns its error and by how much the process grew. */
async function run(guard: TextGuard, program: HostileProgram) {
  const files = await readTokenizerFiles(memoryFolder(llama2Files()));
  if (!files) throw new Error('no tokenizer');
  const hostile = hostileFiles(files, program);
  const before = process.memoryUsage().rss;
  let peak = before;
  const sampling = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20);
  try {
    await guard.open(async () => hostile, 1e6);
    const messages = [{ role: 'user', content: program.text ?? 'Hi' }];
    const { ids } = await guard.prompt({ kind: 'chat', messages });
    return { ended: ids.length, growth: peak - before };
  } catch (error) {
    return { error, growth: peak - before };
  } finally {
    clearInterval(sampling);
  }
}

const table = (programs: readonly HostileProgram[]) =>
  programs.map((program): [string, HostileProgram] => [program.name, program]);

describe('counted programs', () => {
  it.each(table([...hostileTemplates, ...growingTokenizers]))('%s', async (_name, program) => {
    const { error, ended, growth } = await run(counted, program);
    expect(ended).toBeUndefined();
    expect(error).toMatchObject({
      code: program.code,
      params: { detail: expect.stringContaining(program.detail ?? '') },
    });
    expect(growth).toBeLessThan(MAX_GROWTH);
  });
});

describe('a decoder', () => {
  it('is counted where it runs in the caller’s thread', async () => {
    const files = await readTokenizerFiles(memoryFolder(llama2Files()));
    if (!files) throw new Error('no tokenizer');
    const decoders = Array<object>(40).fill({ type: 'BPEDecoder', suffix: '' });
    const decoder = { type: 'Sequence', decoders };
    const changed = hostileFiles(files, { name: '', code: 'data.tokenizer_invalid', tokenizer: { decoder } });
    const { decode } = createTokenizer(changed);
    expect(() => decode([300, 301, 302])).toThrow('its steps make more than');
  });
});

describe('programs that hang', () => {
  it.each(table(hangingTokenizers))('%s', async (_name, program) => {
    const { error, ended, growth } = await run(timed, program);
    expect(ended).toBeUndefined();
    expect(error).toMatchObject({ code: program.code, params: { seconds: expect.any(Number) } });
    expect(growth).toBeLessThan(MAX_GROWTH);
  });
});

describe('a tokenizer.json of very many small values', () => {
  it('is refused before it is parsed', async () => {
    const files = await readTokenizerFiles(memoryFolder(llama2Files()));
    if (!files) throw new Error('no tokenizer');
    const json = `{"added_tokens":[${'[],'.repeat(10_000_000)}[]]}`;
    const opening = counted.open(async () => ({ ...files, json }), 1e6);
    await expect(opening).rejects.toMatchObject({
      code: 'data.tokenizer_invalid',
      params: { detail: 'it has more than 4000000 values' },
    });
  });
});

it('a tokenizer.json of more than 64 MiB is refused before it is read', async () => {
  const folder = memoryFolder(llama2Files());
  const open = async (name: string) => {
    const source = await folder.open(name);
    if (name !== 'tokenizer.json') return source;
    const read = () => Promise.reject(new Error('it was read'));
    return { ...source, size: (1 << 26) + 1, read, readInto: read };
  };
  await expect(readTokenizerFiles({ ...folder, open })).rejects.toMatchObject({
    code: 'data.tokenizer_invalid',
    params: { detail: 'it has more than 67108864 bytes' },
  });
});
