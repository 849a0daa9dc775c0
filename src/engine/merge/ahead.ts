/**
 * Yields the items of `source`, which are produced ahead: while one block is written, the next is computed. Holds at
 * most `depth` items besides the current one.
 */
export async function* ahead<T>(source: AsyncIterable<T>, depth = 2): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  const queue: Promise<IteratorResult<T>>[] = [];
  const ask = (): void => {
    const next = iterator.next();
    // A failure is thrown in its turn, or never if the loop ends before.
    next.catch(() => undefined);
    queue.push(next);
  };
  try {
    for (let i = 0; i < depth; i++) ask();
    for (;;) {
      const next = await queue.shift()!;
      if (next.done) return;
      ask();
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
