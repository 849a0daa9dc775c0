import * as Comlink from 'comlink';
import { GraftError } from '../lib/errors.ts';
import type { DataApi, EngineApi, Result } from './protocol.ts';
import { valueOf, type Throwing } from './result.ts';

/** A worker seen from the page: its methods, and what to do about its end. */
export interface WorkerClient<Api> {
  /** The worker's methods; the worker starts at the first call. They throw GraftError or Error. */
  readonly call: Throwing<Api>;
  /** Calls `listener` when the worker has crashed: what it held is gone; the next call starts a new one. */
  onCrash(listener: (error: GraftError) => void): void;
  /** Ends the worker; calls under way reject with `error`. The next call starts a new one. */
  restart(error: GraftError): void;
}

/** The part of Worker that the client needs. */
export type WorkerLike = Comlink.Endpoint & { terminate(): void };

/**
 * Wraps a worker that is started by `start` at the first call.
 * Functions among the arguments become callbacks of the worker; buffers of typed arrays directly in an
 * argument are transferred, not copied.
 * @param name for messages: "engine", "data"
 */
export function connectWorker<Api>(name: string, start: () => WorkerLike): WorkerClient<Api> {
  let running: { worker: WorkerLike; remote: Record<string, RemoteMethod> } | null = null;
  const pending = new Set<(error: GraftError) => void>();
  const crashListeners: ((error: GraftError) => void)[] = [];

  const end = (error: GraftError) => {
    if (!running) return;
    running.worker.terminate();
    running = null;
    for (const reject of pending) reject(error);
    pending.clear();
    for (const listener of crashListeners) listener(error);
  };

  const connect = () => {
    if (running) return running;
    const worker = start();
    const crashed = (event: Event) => {
      if (running?.worker !== worker) return;
      end(new GraftError('workers.crashed', { worker: name, reason: reasonOf(event) }));
    };
    worker.addEventListener('error', crashed as EventListener);
    worker.addEventListener('messageerror', crashed as EventListener);
    running = { worker, remote: Comlink.wrap(worker) as unknown as Record<string, RemoteMethod> };
    return running;
  };

  const invoke = (method: string, args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const { remote } = connect();
      pending.add(reject);
      const settle = () => pending.delete(reject);
      remote[method]!(...args.map(prepare))
        .then(valueOf)
        .then(resolve, reject)
        .finally(settle);
    });

  const call = new Proxy({} as object, {
    get: (_, method) =>
      typeof method === 'string' ? (...args: unknown[]) => invoke(method, args) : undefined,
  }) as Throwing<Api>;

  return { call, onCrash: (listener) => crashListeners.push(listener), restart: end };
}

type RemoteMethod = (...args: unknown[]) => Promise<Result<unknown>>;

function prepare(argument: unknown): unknown {
  if (typeof argument === 'function') return Comlink.proxy(argument);
  if (typeof argument !== 'object' || argument === null) return argument;
  const buffers = Object.values(argument)
    .filter((value) => ArrayBuffer.isView(value))
    .map((value) => value.buffer as ArrayBuffer);
  return buffers.length > 0 ? Comlink.transfer(argument, [...new Set(buffers)]) : argument;
}

function reasonOf(event: Event): string {
  const message = 'message' in event && typeof event.message === 'string' ? event.message : '';
  return (
    message ||
    (event.type === 'messageerror' ? 'a message could not be read' : 'its script did not load or run')
  );
}

/** The two workers of the studio. */
export interface Workers {
  readonly engine: WorkerClient<EngineApi>;
  readonly data: WorkerClient<DataApi>;
}

/** Connects the page to its workers; nothing is started before the first call. */
export function connectWorkers(): Workers {
  return {
    engine: connectWorker<EngineApi>(
      'engine',
      () => new Worker(new URL('./engine.worker.ts', import.meta.url), { type: 'module', name: 'engine' }),
    ),
    data: connectWorker<DataApi>(
      'data',
      () => new Worker(new URL('./data.worker.ts', import.meta.url), { type: 'module', name: 'data' }),
    ),
  };
}
