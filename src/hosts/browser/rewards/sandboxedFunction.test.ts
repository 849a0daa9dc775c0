import { expect, it } from 'vitest';
import type { SandboxApi } from './sandboxApi.ts';
import { readResult, SandboxedFunction } from './sandboxedFunction.ts';

/** A function whose other side is `answer`. */
function opened(answer: (port: MessagePort, input: unknown) => void, seconds = 30) {
  let closed = 0;
  const page: SandboxApi = {
    async open(_id, { source }, port) {
      port.onmessage = ({ data }: MessageEvent) => answer(port, data);
      port.postMessage({ kind: 'nothing' });
      return source !== '';
    },
    close: async () => void closed++,
  };
  return { one: new SandboxedFunction(seconds, page), closed: () => closed };
}

const what = { name: 'f', source: '() => 1' };

it('a call answers once it has begun and ended', async () => {
  const { one, closed } = opened((port, input) => {
    port.postMessage({ kind: 'begun' });
    port.postMessage({ kind: 'value', value: String(input).length });
  });
  expect(await one.open(what)).toEqual({ kind: 'nothing' });
  expect(await one.call('["abc"]')).toEqual({ kind: 'value', value: 7 });
  expect(await one.call('["a"]')).toEqual({ kind: 'value', value: 5 });
  expect(closed()).toBe(0);
  one.end();
  expect(closed()).toBe(1);
});

it('one that begins and does not answer is ended', async () => {
  const { one, closed } = opened((port) => port.postMessage({ kind: 'begun' }), 0.1);
  await one.open(what);
  expect(await one.call('["a"]')).toEqual({
    kind: 'broken',
    message: 'it took longer than 0.1 s for an answer',
  });
  expect(closed()).toBe(1);
});

it('one that is not allowed has no answer', async () => {
  const { one } = opened(() => undefined);
  expect(await one.open({ ...what, source: '' })).toBe(null);
  one.end();
});

it.each([
  [
    { kind: 'value', value: -0.5 },
    { kind: 'value', value: -0.5 },
  ],
  [{ kind: 'value', value: Infinity }, { kind: 'nothing' }],
  [{ kind: 'value', value: '1' }, { kind: 'nothing' }],
  [{ kind: 'other', value: 1 }, { kind: 'nothing' }],
  [
    { kind: 'threw', message: 'a'.repeat(300) },
    { kind: 'threw', message: 'a'.repeat(200) },
  ],
  [{ kind: 'threw', message: { length: 3 } }, { kind: 'nothing' }],
  [null, { kind: 'nothing' }],
  ['value', { kind: 'nothing' }],
])('%j is read as %j', (data, result) => {
  expect(readResult(data)).toEqual(result);
});
