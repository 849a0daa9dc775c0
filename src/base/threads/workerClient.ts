import * as Comlink from 'comlink';
import { GraftError, messageOf } from '../lib/errors.ts';
import { wrap } from './errorTransfer.ts';

/** A worker as its user sees it: its methods, and how it ends. */
export interface WorkerClient<Api> {
  /** The worker's methods; the worker starts at the first call. They throw GraftError or Error. */
  readonly call: Api;
  /** Calls `listener` when a worker was started, before the call that needed it. */
  onStart(listener: () => void): void;
  /** Whether a worker is running. */
  isRunning(): boolean;
  /** Calls `listener` when the worker crashed or was ended: its state is lost; the next call starts a new one. */
  onCrash(listener: (error: GraftError) => void): void;
  /** Ends the worker; pending calls reject with `error`. The next call starts a new one. */
  restart(error: GraftError): void;
}

/** The part of Worker that the client needs. */
export type WorkerLike = Comlink.Endpoint & { terminate(): void };

/**
 * Wraps a worker that `start` starts at the first call.
 * Functions among the arguments become callbacks of the worker. Message ports, and buffers of typed arrays that are
 * fields of an argument, are transferred, not copied.
 * @param name for messages: "engine", "data"
 * @param isFatal whether the worker does not survive an error: the call that throws it ends it
 */
export function connectWorker<Api>(
  name: string,
  start: () => WorkerLike,
  isFatal: (error: unknown) => boolean = () => false,
): WorkerClient<Api> {
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
    running = { worker, remote: wrap<Record<string, RemoteMethod>>(worker) };
    for (const listener of startListeners) listener();
    return running;
  };

  const call = callsOf<Api>(
    (method, args) =>
      new Promise((resolve, reject) => {
        const { remote } = connect();
        pending.add(reject);
        remote[method]!(...args.map(prepare))
          .finally(() => pending.delete(reject))
          .then(resolve, (error: unknown) => {
            reject(error);
            if (isFatal(error)) end(restartAfter(error));
          });
      }),
  );

  return {
    call,
    onStart: (listener) => startListeners.push(listener),
    isRunning: () => running !== null,
    onCrash: (listener) => crashListeners.push(listener),
    restart: end,
  };
}

type RemoteMethod = (...args: unknown[]) => Promise<unknown>;

/** An API whose methods are calls of `invoke`. */
export function callsOf<Api>(invoke: (method: string, args: unknown[]) => Promise<unknown>): Api {
  return new Proxy({} as object, {
    // Without `then`: an async function that returns an object with one would await it as a promise.
    get: (_, method) =>
      typeof method === 'string' && method !== 'then'
        ? (...args: unknown[]) => invoke(method, args)
        : undefined,
  }) as Api;
}

/** What the calls under way reject with when their worker is ended after `error`. */
export function restartAfter(error: unknown): GraftError {
  return new GraftError('workers.restarted', { reason: messageOf(error) }, { cause: error });
}

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
