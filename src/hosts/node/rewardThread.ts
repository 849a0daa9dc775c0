/**
 * The script of the thread that runs functions of a recipe: see rewardFunctions.ts. Each has a context of its own, which
 * has the objects of the language and nothing of Node's: only texts go in and come out.
 */
import { createContext, Script, type Context } from 'node:vm';
import { parentPort } from 'node:worker_threads';
import type { FunctionResult, RewardFunction } from '../../content/rewards/functions.ts';

/** What the thread is sent: functions once, then inputs as JSON. */
export interface RewardRequest {
  functions?: readonly RewardFunction[];
  inputs: readonly string[];
}

interface Ready {
  context: Context;
  timeout: number;
}

const CALL = new Script(
  `{ const value = reward(...JSON.parse(input)); typeof value === 'number' && Number.isFinite(value) ? String(value) : '' }`,
);
/** What takes memory beside the heap, whose limit does not count it. */
const UNCOUNTED = [
  ...['ArrayBuffer', 'SharedArrayBuffer', 'DataView', 'Atomics', 'WebAssembly', 'Intl'],
  ...[
    'Int8',
    'Uint8',
    'Uint8Clamped',
    'Int16',
    'Uint16',
    'Int32',
    'Uint32',
    'Float16',
    'Float32',
    'Float64',
  ].map((type) => `${type}Array`),
  ...['BigInt64Array', 'BigUint64Array'],
];
const REMOVE_UNCOUNTED = new Script(UNCOUNTED.map((name) => `delete globalThis.${name};`).join(''));
const MAX_MESSAGE = 200;

const port = parentPort;
if (!port) throw new Error('rewardThread.ts is the script of a worker thread');
let ready: (Ready | FunctionResult)[] = [];
port.on('message', ({ functions, inputs }: RewardRequest) => {
  if (functions) ready = functions.map(prepare);
  port.postMessage(inputs.map((input) => ready.map((one) => call(one, input))));
});

function prepare({ source, seconds }: RewardFunction): Ready | FunctionResult {
  const options = {
    codeGeneration: { strings: false, wasm: false },
    microtaskMode: 'afterEvaluate' as const,
  };
  const context = createContext(Object.create(null) as Context, options);
  const timeout = 1000 * seconds;
  REMOVE_UNCOUNTED.runInContext(context);
  try {
    // On lines of its own, so that a comment at its end ends there.
    new Script(`const reward = (\n${source}\n);`).runInContext(context, { timeout });
    const kind = new Script('typeof reward').runInContext(context) as string;
    return kind === 'function'
      ? { context, timeout }
      : { kind: 'broken', message: 'its source is not an expression whose value is a function' };
  } catch (error) {
    return { kind: 'broken', message: messageOf(error) };
  }
}

function call(one: Ready | FunctionResult, input: string): FunctionResult {
  if ('kind' in one) return one;
  const { context, timeout } = one;
  context.input = input;
  try {
    const text = CALL.runInContext(context, { timeout }) as string;
    return text === '' ? { kind: 'nothing' } : { kind: 'value', value: Number(text) };
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      return { kind: 'broken', message: `it took longer than ${timeout / 1000} s for an answer` };
    return { kind: 'threw', message: messageOf(error) };
  }
}

/** The message of what a function threw, which may be anything; reading it runs nothing of the function's. */
function messageOf(error: unknown): string {
  const found =
    typeof error === 'object' && error !== null
      ? Object.getOwnPropertyDescriptor(error, 'message')?.value
      : error;
  return (typeof found === 'string' ? found : 'it threw no error').slice(0, MAX_MESSAGE);
}
