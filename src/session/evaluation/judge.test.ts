import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GraftError } from '../../base/lib/errors.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { judgeAnswers } from './judge.ts';
import type { NamedResult } from './report.ts';

interface Asked {
  url: string | undefined;
  key: string | undefined;
  body: { model: string; messages: { content: string }[] };
}

const asked: Asked[] = [];
/** What the endpoint says to a prompt: a grade, a status, or where to go. */
let reply: (prompt: string) => {
  status?: number;
  content?: string;
  location?: string;
  body?: string;
} = () => ({});
const server = createServer((request, response) => {
  void read(request).then((text) => {
    const body = JSON.parse(text) as Asked['body'];
    asked.push({ url: request.url, key: request.headers.authorization, body });
    const { status = 200, content = '', location, body: sent } = reply(body.messages[1]!.content);
    response.writeHead(status, location === undefined ? {} : { location });
    response.end(sent ?? JSON.stringify({ choices: [{ message: { content } }] }));
  });
});

async function read(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += String(part);
  return text;
}

let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`;
});
afterAll(() => void server.close());
beforeEach(() => void (asked.length = 0));

const answers = ['One?', 'Two?'].map((text, i) => ({
  line: i + 1,
  text,
  expected: i === 0 ? '1' : null,
  ids: [],
  endIds: [],
}));
const system = (name: string, texts: string[]): NamedResult => ({
  name,
  result: {
    answers: texts.map((text) => ({ text, tokens: 1, stoppedBy: 'end', scores: {} })),
    losses: [],
    choices: [],
    seconds: 0,
  },
});
const judge = () => ({ url, model: 'wise', key: 'secret-key' });

describe('a judge', () => {
  it('grades each answer once, without its author, and gets its key', async () => {
    reply = (prompt) => ({ content: prompt.endsWith('right') ? 'Grade: 10' : '2.5' });
    const systems = [system('base', ['right', 'wrong']), system('tuned', ['right', 'right'])];
    const progress: string[] = [];
    await judgeAnswers(
      { answers },
      systems,
      judge(),
      (done, total) => void progress.push(`${done}/${total}`),
    );
    const scores = systems.map(({ result }) => result.answers.map(({ scores: { judge: score } }) => score));
    expect(scores).toEqual([
      [1, 0.25],
      [1, 1],
    ]);
    expect(progress).toEqual(['1/3', '2/3', '3/3']);
    expect(asked.every((one) => one.url === '/v1/chat/completions' && one.key === 'Bearer secret-key')).toBe(
      true,
    );
    expect(asked[0]!.body.model).toBe('wise');
    const prompts = asked.map(({ body }) => body.messages[1]!.content);
    expect(prompts).toContain('Question:\nOne?\n\nExpected answer:\n1\n\nAnswer to grade:\nright');
    expect(prompts).toContain('Question:\nTwo?\n\nAnswer to grade:\nwrong');
    expect(prompts.join()).not.toMatch(/base|tuned/);
  });

  it.each(['none', '11', '3 or 4', '-1 of 10'])(
    'that says “%s” is refused by what it said',
    async (content) => {
      reply = () => ({ content });
      const ask = () => judgeAnswers({ answers }, [system('base', ['a', 'b'])], judge());
      await expectGraftError(ask, 'infer.judge_unreadable', { url, best: 10 });
    },
  );

  it('that fails, or sends elsewhere, is named, but not its key', async () => {
    const ask = () => judgeAnswers({ answers }, [system('base', ['a', 'b'])], judge());
    reply = () => ({ status: 500 });
    await expectGraftError(ask, 'infer.judge_failed', { url, detail: 'HTTP 500' });
    reply = () => ({ status: 307, location: `${url}elsewhere` });
    const error = await ask().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(GraftError);
    expect((error as GraftError).code).toBe('infer.judge_failed');
    expect(asked.every((one) => one.url === '/v1/chat/completions')).toBe(true);
    expect(JSON.stringify([(error as GraftError).message, (error as GraftError).params])).not.toContain(
      'secret',
    );
  });

  it.each([
    ['says its key', 'secret-key', { content: 'Your key is secret-key.' }],
    ['has a key that no header takes', 'secret\nkey', {}],
  ])('that %s is named without it', async (_, key, said) => {
    reply = () => said;
    const ask = judgeAnswers({ answers }, [system('base', ['a', 'b'])], { ...judge(), key });
    const error = await ask.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(GraftError);
    const { message, params, cause } = error as GraftError;
    expect(inspect([message, params, cause])).not.toMatch(/secret/);
  });

  it('that sends megabytes is not read to its end', async () => {
    reply = () => ({ body: ' '.repeat(2 ** 21) });
    const ask = () => judgeAnswers({ answers }, [system('base', ['a', 'b'])], judge());
    await expectGraftError(ask, 'infer.judge_failed', {
      url,
      detail: 'its response has more than 1048576 bytes',
    });
  });
});
