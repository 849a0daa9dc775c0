/**
 * A queue that runs one task at a time, in the order they were asked for. A task that fails rejects its own promise
 * and does not hold up those after it.
 *
 *   const inTurn = serial();
 *   const size = await inTurn(() => file.size());
 */
export function serial(): Serial {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => undefined);
    return result;
  };
}

/** Runs a task after those before it; resolves or rejects as the task does. */
export type Serial = <T>(task: () => Promise<T>) => Promise<T>;
