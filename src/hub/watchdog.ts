/** Watches over one request. */
export interface Watch {
  readonly signal: AbortSignal;
  /** Says that bytes came. */
  touch(): void;
}

/**
 * A signal that aborts when `signal` does, and when `touch` was not called for `idleMs`: a connection that says
 * nothing is as good as cut. `end` gives its timer and listener back.
 */
export function watchdog(idleMs: number, signal?: AbortSignal): Watch & { end(): void } {
  const controller = new AbortController();
  const stop = (): void => controller.abort(signal!.reason);
  const bark = (): void =>
    controller.abort(new Error(`nothing came for ${Math.round(idleMs / 1000)} seconds`));
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop, { once: true });
  let timer = setTimeout(bark, idleMs);
  return {
    signal: controller.signal,
    touch() {
      clearTimeout(timer);
      timer = setTimeout(bark, idleMs);
    },
    end() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    },
  };
}

/** The promise, unless the signal is aborted before: Node's fetch forgets its signal when its request is collected. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The pieces of a body as they come. The connection is given up when the loop is left or the watch's signal aborts. */
export async function* bodyPieces(
  response: Response,
  { signal, touch }: Watch,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await unlessAborted(reader.read(), signal);
      if (done) return;
      touch();
      yield value;
      // What was done with it may have taken its time; the server is not to blame for it.
      touch();
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
