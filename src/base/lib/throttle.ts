/**
 * Passes the first report on, then at most one every `intervalMs`, and always the last: each may be a message to
 * another thread.
 *
 *   const report = throttled(onProgress, ({ done, total }) => done >= total);
 */
export function throttled<P>(
  report: (progress: P) => void,
  isLast: (progress: P) => boolean,
  intervalMs = 100,
): (progress: P) => void {
  let last = -Infinity;
  return (progress) => {
    const now = performance.now();
    if (!isLast(progress) && now - last < intervalMs) return;
    last = now;
    report(progress);
  };
}
