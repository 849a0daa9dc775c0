/**
 * Comlink whose errors keep their class: a GraftError thrown on one side arrives as a GraftError on the other. Both sides
 * of a port use `expose` and `wrap` from here.
 */
import * as Comlink from 'comlink';
import { errorFacts, errorOf, type ErrorFacts } from '../lib/errorFacts.ts';
import { assert, GraftError } from '../lib/errors.ts';

// Comlink wraps what was thrown in `{ value }` with a private symbol that only its handler "throw" recognizes: its
// `canHandle` stays, its messages are replaced. Comlink calls this handler internal; errorTransfer.test.ts pins it.
const thrown = Comlink.transferHandlers.get('throw');
assert(thrown, 'comlink has no handler "throw"');
Comlink.transferHandlers.set('throw', {
  canHandle: thrown.canHandle,
  serialize(wrapped) {
    const error = (wrapped as { value: unknown }).value;
    // The stack is not sent: it goes to the console, where it can be read.
    if (!(error instanceof GraftError)) console.error(error);
    return [errorFacts(error), []];
  },
  deserialize(facts) {
    throw errorOf(facts as ErrorFacts);
  },
});

/** One side of a channel between threads. */
export type Endpoint = Comlink.Endpoint;

/** Answers calls of `api`'s methods from `endpoint`; in a worker without one, from the page. */
export function expose<Api extends object>(api: Api, endpoint?: Endpoint): void {
  Comlink.expose(api, endpoint);
}

/** The methods that the other side of `endpoint` exposes. */
export function wrap<Api>(endpoint: Endpoint): Api {
  // A Remote<Api> of methods that take and return clonable values, and return promises already, is an Api.
  return Comlink.wrap(endpoint) as Api;
}
