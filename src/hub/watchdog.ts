/**
 * A signal that aborts when `signal` does, and when `touch` was not called for `idleMs`: a connection that says
 * nothing is as good as cut. `end` gives its timer and listener back.
 */
export function watchdog(
  idleMs: number,
  signal?: AbortSignal,
): { signal: AbortSignal; touch(): void; end(): void } {
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
