import type { Endpoint } from 'comlink';
import { describe, expect, it } from 'vitest';
import { GraftError } from '../../base/lib/errors.ts';
import { losesDevice } from '../../base/lib/errorKind.ts';
import { connectWorker, type WorkerLike } from './client.ts';
import { expose } from '../../base/threads/errorTransfer.ts';

interface EchoApi {
  double(value: number): Promise<number>;
  count(to: number, onNumber: (n: number) => void): Promise<void>;
  sum(rows: { ids: Int32Array }): Promise<number>;
  failKnown(): Promise<void>;
  failUnknown(): Promise<void>;
  failFatally(): Promise<void>;
  never(): Promise<void>;
}

const api: EchoApi = {
  double: async (value) => value * 2,
  async count(to, onNumber) {
    for (let n = 1; n <= to; n++) await onNumber(n);
  },
  sum: async ({ ids }) => ids.reduce((a, b) => a + b, 0),
  failKnown: async () => {
    throw new GraftError('train.no_targets', { targets: 'x_proj', known: 'q_proj' });
  },
  failUnknown: async () => {
    throw new TypeError('unforeseen');
  },
  failFatally: async () => {
    throw new GraftError('gpu.device_lost', { reason: 'test' });
  },
  never: () => new Promise(() => undefined),
};

/** Both ends of a worker in one thread: real message ports, and a worker's events. */
class PortWorker extends EventTarget implements WorkerLike {
  readonly #port: MessagePort;
  terminated = false;

  constructor() {
    super();
    const { port1, port2 } = new MessageChannel();
    expose(api, port2 as unknown as Endpoint);
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
  const client = connectWorker<EchoApi>(
    'echo',
    () => {
      const worker = new PortWorker();
      started.push(worker);
      return worker;
    },
    losesDevice,
  );
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

  it('passes callbacks, and transfers typed arrays instead of copying them', async () => {
    const { client } = connect();
    const received: number[] = [];
    await client.call.count(3, (n) => void received.push(n));
    expect(received).toEqual([1, 2, 3]);
    const ids = Int32Array.of(1, 2, 3);
    expect(await client.call.sum({ ids })).toBe(6);
    expect(ids.byteLength).toBe(0);
    client.restart(ended);
  });

  it('throws GraftErrors with code and params, and plain Errors for anything else', async () => {
    const { client } = connect();
    const known = await client.call.failKnown().catch((error: unknown) => error);
    expect(known).toBeInstanceOf(GraftError);
    expect(known).toMatchObject({ code: 'train.no_targets', params: { targets: 'x_proj' } });
    const unknown = await client.call.failUnknown().catch((error: unknown) => error);
    expect(unknown).not.toBeInstanceOf(GraftError);
    expect(unknown).toMatchObject({ message: 'unforeseen' });
    client.restart(ended);
  });

  it('rejects pending calls when the worker crashes, reports it, and starts a new one', async () => {
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

  it('ends the worker after a fatal error, which its caller still receives', async () => {
    const { client, started } = connect();
    const received: string[] = [];
    client.onCrash((error) => received.push(error.code));
    const pending = client.call.never().catch((error: GraftError) => error);
    await expect(client.call.failFatally()).rejects.toMatchObject({ code: 'gpu.device_lost' });
    expect(received).toEqual(['workers.restarted']);
    expect(started[0]!.terminated).toBe(true);
    expect(await pending).toMatchObject({ code: 'workers.restarted', cause: { code: 'gpu.device_lost' } });
    expect(client.isRunning()).toBe(false);
  });
});
