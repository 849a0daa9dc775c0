import * as Comlink from 'comlink';
import { GraftError } from '../lib/errors.ts';
import type { Result } from './protocol.ts';
import { valueOf, type Throwing } from './result.ts';

/** A worker seen from the page: its methods, and what to do about its end. */
export interface WorkerClient<Api> {
  /** The worker's methods; the worker starts at the first call. They throw GraftError or Error. */
  readonly call: Throwing<Api>;
  /** Calls `listener` when a worker has just been started, before the call that needed it. */
  onStart(listener: () => void): void;
  /** Whether a worker is there. */
  isRunning(): boolean;
  /** Calls `listener` when the worker has crashed: what it held is gone; the next call starts a new one. */
  onCrash(listener: (error: GraftError) => void): void;
  /** Ends the worker; calls under way reject with `error`. The next call starts a new one. */
  restart(error: GraftError): void;
}

/** The part of Worker that the client needs. */
export type WorkerLike = Comlink.Endpoint & { terminate(): void };

/**
 * Wraps a worker that is started by `start` at the first call.
 * Functions among the arguments become callbacks of the worker; message ports, and buffers of typed arrays directly in
 * an argument are transferred, not copied.
 * @param name for messages: "engine", "data"
 */
export function connectWorker<Api>(name: string, start: () => WorkerLike): WorkerClient<Api> {
  let running: { worker: WorkerLike; remote: Record<string, RemoteMethod> } | null = null;
  const pending = new Set<(error: GraftError) => void>();
  const crashListeners: ((error: GraftError) => void)[] = [];
  const startListeners: (() => void)[] = [];

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
    for (const listener of startListeners) listener();
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
    // Without `then`: what has one is taken for a promise where it is returned from an async function.
    get: (_, method) =>
      typeof method === 'string' && method !== 'then'
        ? (...args: unknown[]) => invoke(method, args)
        : undefined,
  }) as Throwing<Api>;

  return {
    call,
    onStart: (listener) => startListeners.push(listener),
    isRunning: () => running !== null,
    onCrash: (listener) => crashListeners.push(listener),
    restart: end,
  };
}

type RemoteMethod = (...args: unknown[]) => Promise<Result<unknown>>;

function prepare(argument: unknown): unknown {
  if (typeof argument === 'function') return Comlink.proxy(argument);
  if (typeof argument !== 'object' || argument === null) return argument;
  if (argument instanceof MessagePort) return Comlink.transfer(argument, [argument]);
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
