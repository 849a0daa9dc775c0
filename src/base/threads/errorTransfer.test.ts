import { proxy, transferHandlers } from 'comlink';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GraftError } from '../lib/errors.ts';
import { expose, wrap } from './errorTransfer.ts';

interface FailingApi {
  fail(): Promise<void>;
  callBack(listener: () => void): Promise<string>;
}

const closing: MessagePort[] = [];
afterEach(() => {
  for (const port of closing.splice(0)) port.close();
  vi.restoreAllMocks();
});

/** What reaches the caller of a method that throws `error` at the other end of a port. */
async function received(error: unknown): Promise<unknown> {
  const { port1, port2 } = new MessageChannel();
  closing.push(port1, port2);
  const api: Pick<FailingApi, 'fail'> = {
    fail: () => Promise.reject(error),
  };
  expose(api, port2);
  return wrap<FailingApi>(port1)
    .fail()
    .catch((thrown: unknown) => thrown);
}

describe('errors between threads', () => {
  it('arrive as GraftErrors with code, params and message if they were thrown as such', async () => {
    const error = new GraftError('train.no_targets', { targets: 'x_proj', known: 'q_proj' });
    const arrived = await received(error);
    expect(arrived).toBeInstanceOf(GraftError);
    expect(arrived).toMatchObject({ code: error.code, params: error.params, message: error.message });
  });

  it.each([
    ['an Error', new TypeError('unforeseen'), 'unforeseen'],
    ['a DOMException', new DOMException('not now', 'AbortError'), 'not now'],
    ['a string', 'only text', 'only text'],
    ['a value that cannot be cloned', () => 1, '() => 1'],
  ])(
    'arrive as plain Errors with the message of %s, whose stack goes to the console',
    async (_, error, message) => {
      const logged = vi.spyOn(console, 'error').mockReturnValue();
      const arrived = await received(error);
      expect(arrived).toBeInstanceOf(Error);
      expect(arrived).not.toBeInstanceOf(GraftError);
      expect(arrived).toMatchObject({ name: 'Error', message });
      expect(logged).toHaveBeenCalledExactlyOnceWith(error);
    },
  );

  it('arrive from callbacks, too', async () => {
    const { port1, port2 } = new MessageChannel();
    closing.push(port1, port2);
    const api: Pick<FailingApi, 'callBack'> = {
      async callBack(listener) {
        try {
          await listener();
          return 'nothing';
        } catch (error) {
          return error instanceof GraftError ? error.code : String(error);
        }
      },
    };
    expose(api, port2);
    const listener = proxy(() => {
      throw new GraftError('gpu.no_webgpu');
    });
    expect(await wrap<FailingApi>(port1).callBack(listener)).toBe('gpu.no_webgpu');
  });

  it('report return values that cannot be cloned', async () => {
    vi.spyOn(console, 'error').mockReturnValue();
    const { port1, port2 } = new MessageChannel();
    closing.push(port1, port2);
    expose({ fail: async () => ({ inside: () => 1 }) }, port2);
    await expect(wrap<FailingApi>(port1).fail()).rejects.toThrow('Unserializable return value');
  });
});

it('comlink still recognizes thrown values by its handler "throw", and by nothing else', () => {
  const handler = transferHandlers.get('throw')!;
  expect(handler.canHandle(new Error('returned, not thrown'))).toBe(false);
  expect(handler.canHandle({ value: new Error('returned, not thrown') })).toBe(false);
  expect([...transferHandlers.keys()]).toEqual(['proxy', 'throw']);
});
