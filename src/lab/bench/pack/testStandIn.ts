// What the tests of kernels take from vitest, in a bundle: its own runner and matchers, without its processes and servers.
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect';

export {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  it,
  onTestFinished,
  test,
} from '@vitest/runner';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

type Expect = typeof chai.expect;

/** Milliseconds of a poll, and between its looks. */
const POLL = { patience: 60_000, pause: 50 };

/** A matcher that is tried until it holds: `await expect.poll(read).toEqual(…)`. */
function poll(read: () => unknown) {
  const end = performance.now() + POLL.patience;
  return new Proxy({} as Record<string, (...args: unknown[]) => Promise<void>>, {
    get:
      (_, matcher: string) =>
      async (...args: unknown[]) => {
        for (;;) {
          try {
            const holds = expect(await read()) as unknown as typeof args &
              Record<string, (...a: unknown[]) => void>;
            return holds[matcher]!(...args);
          } catch (error) {
            if (performance.now() > end) throw error;
          }
          await new Promise((resolve) => setTimeout(resolve, POLL.pause));
        }
      },
  });
}

const asymmetric = (globalThis as unknown as Record<symbol, object>)[ASYMMETRIC_MATCHERS_OBJECT];

export const expect = Object.assign(
  ((value: unknown, message?: string) => chai.expect(value, message)) as Expect,
  chai.expect,
  asymmetric,
  { poll },
);
setState({ assertionCalls: 0 }, expect as unknown as Parameters<typeof setState>[1]);
