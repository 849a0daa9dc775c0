/**
 * Untrusted programs that come with a model: its chat template, and the patterns of its tokenizer. Either may never
 * return, and nothing in the same thread can stop it, so a listener is notified before one runs and can have another
 * thread terminate this one.
 */
export type UntrustedProgram = 'template' | 'tokenizer';

/** Called before a program runs on `length` UTF-16 units of text, and with null after a long run has ended. */
export type UntrustedListener = (program: UntrustedProgram | null, length: number) => void;

/**
 * Runs longer than this, in ms, also report their end, so that the time after them is not attributed to the program.
 */
const LONG_MS = 100;

let listener: UntrustedListener | null = null;

/** Sets the listener for untrusted programs of this thread; null for none. */
export function onUntrusted(listen: UntrustedListener | null): void {
  listener = listen;
}

/** Runs `work`, which applies a model's `program` to text of that length. */
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
