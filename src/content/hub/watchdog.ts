/** An idle timeout for one request. */
export interface Watch {
  readonly signal: AbortSignal;
  /** Reports that bytes arrived. */
  touch(): void;
}

/**
 * A signal that aborts when `signal` does, and when `touch` was not called for `idleMs`: a silent connection counts as
 * cut. `end` releases its timer and listener.
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

/** The promise, rejected once the signal is aborted: Node's fetch loses its signal when its request is collected. */
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

/**
 * The chunks of a body as they arrive. The connection is closed when the loop is left or the watch's signal aborts.
 */
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
      // The consumer may have taken time, which is not the server's fault.
      touch();
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
