import { setImmediate } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { createRandom } from '../../base/lib/random.ts';
import { mutate } from './mutate.ts';
import { isExpected, type FuzzTarget } from './target.ts';

/** Longer than any parser may take for an input of at most half a megabyte; far above what a busy machine adds. */
const MAX_MS = 10_000;
/** Memory one input may take: a fixed part, and a multiple of its bytes. */
const [MAX_MEMORY, MEMORY_A_BYTE] = [128 << 20, 300];

/** An input that broke a promise. */
export interface Failure {
  /** `npm run fuzz -- TARGET --seed SEED --from INDEX --count 1` tries it again. */
  index: number;
  input: Uint8Array<ArrayBuffer>;
  error: unknown;
}

export interface FuzzResult {
  tried: number;
  /** How many inputs gave a value; the others were refused with an error for the user. */
  accepted: number;
  failures: Failure[];
}

export interface FuzzOptions {
  seed: number;
  /** Index of the first input; each depends on seed and index alone. */
  from?: number;
  count: number;
  /** Stops after so many seconds, too. */
  seconds?: number;
  /** Called before each input. */
  onInput?: (index: number) => void;
  /** Failures after which it stops. */
  maxFailures?: number;
}

/** Feeds a target `count` mutated inputs. Never throws what the target throws. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzResult> {
  const { from = 0, count, seconds = Infinity, maxFailures = 5 } = options;
  const end = performance.now() + 1000 * seconds;
  const seeds = await target.seeds();
  const result: FuzzResult = { tried: 0, accepted: 0, failures: [] };
  for (let index = from; index < from + count && performance.now() < end; index++) {
    options.onInput?.(index);
    const input = inputOf(target, seeds, options.seed, index);
    result.tried += 1;
    const outcome = await tried(target, input);
    if (outcome === 'accepted') result.accepted += 1;
    else if (outcome !== 'refused') {
      result.failures.push({ index, input, error: outcome.error });
      if (result.failures.length >= maxFailures) break;
    }
  }
  return result;
}

/** The input of an index: the same for the same seeds, whatever ran before. */
export function inputOf(
  target: FuzzTarget,
  seeds: readonly Uint8Array[],
  seed: number,
  index: number,
): Uint8Array<ArrayBuffer> {
  const random = createRandom(seed).fork(target.name).fork(index);
  const chosen = seeds[random.below(seeds.length)]!;
  return mutate(chosen, random, { others: seeds, dictionary: target.dictionary, text: target.text });
}

type Outcome = 'accepted' | 'refused' | { error: unknown };

/** Bytes of objects and of array buffers, garbage included. */
function memoryTaken(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

/** What becomes of an input: time and memory count, too. */
export async function tried(target: FuzzTarget, input: Uint8Array<ArrayBuffer>): Promise<Outcome> {
  const before = memoryTaken();
  const start = performance.now();
  let outcome: Outcome = 'accepted';
  let isAsync = false;
  const strays: unknown[] = [];
  const onStray = (error: unknown): unknown => strays.push(error);
  process.on('unhandledRejection', onStray);
  try {
    const running = target.run(input.slice());
    isAsync = running instanceof Promise;
    await running;
  } catch (error) {
    outcome = isExpected(target, error) ? 'refused' : { error };
  }
  // Rejections that nobody handles are reported once the microtasks are done; outside of tests they end the process.
  if (isAsync) await setImmediate();
  process.off('unhandledRejection', onStray);
  if (strays.length > 0) return { error: new Error('left an unhandled rejection', { cause: strays[0] }) };
  const ms = performance.now() - start;
  const taken = memoryTaken() - before;
  if (typeof outcome === 'object') return outcome;
  if (ms > MAX_MS) return { error: new Error(`took ${Math.round(ms)} ms`) };
  if (taken > MAX_MEMORY + MEMORY_A_BYTE * input.length) {
    return { error: new Error(`took ${taken} bytes for an input of ${input.length}`) };
  }
  return outcome;
}

/** A shorter input that fails the same way, by removing ever smaller pieces (Zeller's ddmin, greedily) for `ms`. */
export async function reduced(
  target: FuzzTarget,
  { input, error }: Failure,
  ms = Infinity,
): Promise<Uint8Array<ArrayBuffer>> {
  const kind = String(error).slice(0, 40);
  let best = input;
  const end = performance.now() + ms;
  for (let size = best.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < best.length && performance.now() < end;) {
      const shorter = new Uint8Array(Buffer.concat([best.subarray(0, at), best.subarray(at + size)]));
      const outcome = await tried(target, shorter);
      const same = typeof outcome === 'object' && String(outcome.error).slice(0, 40) === kind;
      if (same) best = shorter;
      else at += size;
    }
  }
  return best;
}
