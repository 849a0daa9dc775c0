/**
 * What `source` yields, made before it is asked for: while one block is written, the next is on its way. At most
 * `depth` are held besides the one given out.
 */
export async function* ahead<T>(source: AsyncIterable<T>, depth = 2): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  const queue: Promise<IteratorResult<T>>[] = [];
  const ask = (): void => {
    const next = iterator.next();
    // A failure is thrown when its turn comes; nobody may come when the loop ends before.
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
