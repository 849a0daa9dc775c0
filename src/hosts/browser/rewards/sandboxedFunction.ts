import { threadLimits } from '../../../content/data/programLimits.ts';
import type { FunctionResult } from '../../../content/rewards/functions.ts';
import type { SandboxApi, SandboxedSource } from './sandboxApi.ts';

/** How often a function's silence is checked, in ms. Checks are counted, not time: a laptop may have slept. */
const TICK_MS = 100;
/** Characters of a message that are kept. */
const MAX_MESSAGE = 200;

/** A function in a frame of the page, which is ended where it exceeds its time. One call at a time. */
export class SandboxedFunction {
  readonly #id = crypto.randomUUID();
  readonly #port: MessagePort;
  readonly #given: MessagePort;
  readonly #seconds: number;
  readonly #page: SandboxApi;

  /** @param seconds how long a call may take */
  constructor(seconds: number, page: SandboxApi) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#given = port2;
    this.#seconds = seconds;
    this.#page = page;
  }

  /** Starts it, once. @returns whether it is a function; null where the user does not allow it */
  async open(what: SandboxedSource): Promise<FunctionResult | null> {
    if (!(await this.#page.open(this.#id, what, this.#given))) return null;
    return this.#answer();
  }

  /** Calls it. @param input a text and its row as JSON */
  call(input: string): Promise<FunctionResult> {
    const answer = this.#answer();
    this.#port.postMessage(input);
    return answer;
  }

  /** Ends it, also in a call that does not. */
  end(): void {
    this.#port.close();
    // The page may be gone already, and its frames with it.
    this.#page.close(this.#id).catch(() => undefined);
  }

  /** The next message that is a result; one in place of it where none comes in time. */
  #answer(): Promise<FunctionResult> {
    return new Promise((resolve) => {
      let ticks = 0;
      let limit: number = threadLimits.ownSilenceMs;
      let late = 'it does not end when it is read';
      const settle = (result: FunctionResult) => {
        clearInterval(timer);
        this.#port.onmessage = null;
        if (result.kind === 'broken') this.end();
        resolve(result);
      };
      const timer = setInterval(() => {
        // So many whole ticks, and the one under way when it began.
        if (++ticks > Math.ceil(limit / TICK_MS)) settle({ kind: 'broken', message: late });
      }, TICK_MS);
      this.#port.onmessage = ({ data }: MessageEvent) => {
        if (!hasBegun(data)) return settle(readResult(data));
        // From here on it is the function that takes time, not the browser that starts it.
        ticks = 0;
        limit = 1000 * this.#seconds;
        late = `it took longer than ${this.#seconds} s for an answer`;
      };
    });
  }
}

function hasBegun(data: unknown): boolean {
  return typeof data === 'object' && data !== null && (data as { kind?: unknown }).kind === 'begun';
}

/** What came from where others' code runs: nothing of it is taken on trust. */
export function readResult(data: unknown): FunctionResult {
  const { kind, value, message } = (typeof data === 'object' && data !== null ? data : {}) as {
    kind?: unknown;
    value?: unknown;
    message?: unknown;
  };
  if (kind === 'value' && typeof value === 'number' && Number.isFinite(value)) return { kind, value };
  if ((kind === 'threw' || kind === 'broken') && typeof message === 'string')
    return { kind, message: message.slice(0, MAX_MESSAGE) };
  return { kind: 'nothing' };
}
