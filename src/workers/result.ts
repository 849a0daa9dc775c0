import { GraftError, messageOf } from '../lib/errors.ts';
import type { ErrorFacts, Result } from './protocol.ts';

/** A worker's API as its own side writes it and as the page calls it: plain values, errors thrown. */
export type Throwing<Api> = {
  [Method in keyof Api]: Api[Method] extends (...args: infer Args) => Promise<Result<infer Value>>
    ? (...args: Args) => Promise<Value>
    : never;
};

/** Runs `work` and turns what it returns or throws into a Result, which survives structured cloning. */
export async function resultOf<Value>(work: () => Value | Promise<Value>): Promise<Result<Value>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error: errorFacts(error) };
  }
}

/** An error as it travels. */
export function errorFacts(error: unknown): ErrorFacts {
  if (error instanceof GraftError) {
    return { code: error.code, params: error.params, message: error.message };
  }
  // Comlink forwards only name, message and stack; the stack goes to the console, where it can be read.
  console.error(error);
  return { code: null, params: {}, message: messageOf(error) };
}

/** The value of a Result; throws GraftError for a known code, a plain Error for anything else. */
export function valueOf<Value>(result: Result<Value>): Value {
  if (result.ok) return result.value;
  throw thrownOf(result.error);
}

/** An error that has travelled, as what was thrown. */
export function thrownOf({ code, params, message }: ErrorFacts): Error {
  return code === null ? new Error(message) : new GraftError(code, params);
}

/** What a worker exposes: `api` with every method's outcome as a Result. `Comlink.expose(asResults<EngineApi>(api))`. */
export function asResults<Api>(api: Throwing<Api>): Api {
  const methods = api as Record<string, (...args: unknown[]) => Promise<unknown>>;
  return new Proxy({} as object, {
    get: (_, method) =>
      typeof method === 'string' && typeof methods[method] === 'function'
        ? (...args: unknown[]) => resultOf(() => methods[method]!(...args))
        : undefined,
  }) as Api;
}
