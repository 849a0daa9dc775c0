/**
 * The programs that come with a model: its chat template, and the patterns its tokenizer cuts text with. Either may run
 * for ever, and nothing in its thread can end it; so its thread tells another which one is about to run.
 */
export type UntrustedProgram = 'template' | 'tokenizer';

/** Hears that a program is about to run on so many UTF-16 units of text, and, after a long one, of its end (null). */
export type UntrustedListener = (program: UntrustedProgram | null, length: number) => void;

/** The end of a program is told when it took longer than this, in ms: what follows is no fault of it. */
const LONG_MS = 100;

let listener: UntrustedListener | null = null;

/** Lets `listen` hear of the untrusted programs of this thread; null for nobody. */
export function onUntrusted(listen: UntrustedListener | null): void {
  listener = listen;
}

/** Runs `work`, which is `program` of a model applied to text of that length. */
export function untrusted<T>(program: UntrustedProgram, length: number, work: () => T): T {
  if (!listener) return work();
  listener(program, length);
  const start = performance.now();
  try {
    return work();
  } finally {
    if (performance.now() - start > LONG_MS) listener?.(null, 0);
  }
}
