import * as Comlink from 'comlink';
import { describe, expect, it } from 'vitest';
import { GraftError } from '../lib/errors.ts';
import { connectWorker, type WorkerLike } from './client.ts';
import type { Result } from './protocol.ts';
import { asResults, resultOf, valueOf } from './result.ts';

interface EchoApi {
  double(value: number): Promise<Result<number>>;
  count(to: number, onNumber: (n: number) => void): Promise<Result<null>>;
  sum(rows: { ids: Int32Array }): Promise<Result<number>>;
  failKnown(): Promise<Result<null>>;
  failUnknown(): Promise<Result<null>>;
  never(): Promise<Result<null>>;
}

const api = asResults<EchoApi>({
  double: async (value) => value * 2,
  async count(to, onNumber) {
    for (let n = 1; n <= to; n++) await onNumber(n);
    return null;
  },
  sum: async ({ ids }) => ids.reduce((a, b) => a + b, 0),
  failKnown: async () => {
    throw new GraftError('train.no_targets', { targets: 'x_proj', known: 'q_proj' });
  },
  failUnknown: async () => {
    throw new TypeError('nobody foresaw this');
  },
  never: () => new Promise(() => undefined),
});

/** A worker's two ends in one thread: real message ports, and the events a worker can have. */
class PortWorker extends EventTarget implements WorkerLike {
  readonly #port: MessagePort;
  terminated = false;

  constructor() {
    super();
    const { port1, port2 } = new MessageChannel();
    Comlink.expose(api, port2 as unknown as Comlink.Endpoint);
    this.#port = port1;
    port1.addEventListener('message', (event) =>
      this.dispatchEvent(new MessageEvent('message', { data: event.data })),
    );
    port1.start();
  }

  postMessage(message: unknown, transfer: Transferable[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  terminate(): void {
    this.terminated = true;
    this.#port.close();
  }
}

const ended = new GraftError('workers.crashed', { worker: 'echo', reason: 'end of test' });

function connect() {
  const started: PortWorker[] = [];
  const client = connectWorker<EchoApi>('echo', () => {
    const worker = new PortWorker();
    started.push(worker);
    return worker;
  });
  return { client, started };
}

describe('connectWorker', () => {
  it('starts the worker at the first call and passes values', async () => {
    const { client, started } = connect();
    expect(started).toHaveLength(0);
    expect(await client.call.double(21)).toBe(42);
    expect(await client.call.double(1)).toBe(2);
    expect(started).toHaveLength(1);
    client.restart(ended);
  });

  it('passes callbacks, and gives typed arrays away instead of copying them', async () => {
    const { client } = connect();
    const heard: number[] = [];
    await client.call.count(3, (n) => void heard.push(n));
    expect(heard).toEqual([1, 2, 3]);
    const ids = Int32Array.of(1, 2, 3);
    expect(await client.call.sum({ ids })).toBe(6);
    expect(ids.byteLength).toBe(0);
    client.restart(ended);
  });

  it('throws GraftError with its code and fields, and a plain Error for anything else', async () => {
    const { client } = connect();
    const known = await client.call.failKnown().catch((error: unknown) => error);
    expect(known).toBeInstanceOf(GraftError);
    expect(known).toMatchObject({ code: 'train.no_targets', params: { targets: 'x_proj' } });
    const unknown = await client.call.failUnknown().catch((error: unknown) => error);
    expect(unknown).not.toBeInstanceOf(GraftError);
    expect(unknown).toMatchObject({ message: 'nobody foresaw this' });
    client.restart(ended);
  });

  it('rejects what is under way when the worker crashes, says so, and starts a new one', async () => {
    const { client, started } = connect();
    const crashes: string[] = [];
    client.onCrash((error) => crashes.push(error.code));
    const pending = client.call.never();
    started[0]!.dispatchEvent(Object.assign(new Event('error'), { message: 'out of memory' }));
    await expect(pending).rejects.toMatchObject({
      code: 'workers.crashed',
      params: { worker: 'echo', reason: 'out of memory' },
    });
    expect(crashes).toEqual(['workers.crashed']);
    expect(started[0]!.terminated).toBe(true);
    expect(await client.call.double(4)).toBe(8);
    expect(started).toHaveLength(2);
    client.restart(ended);
  });
});

describe('Result', () => {
  it('survives structured cloning both ways', async () => {
    const failed = structuredClone(
      await resultOf(() => valueOf({ ok: false, error: { code: 'gpu.no_webgpu', params: {}, message: '' } })),
    );
    expect(() => valueOf(failed)).toThrow(GraftError);
    expect(valueOf(structuredClone(await resultOf(() => ({ a: 1 }))))).toEqual({ a: 1 });
  });
});
