/** Attempts without progress before giving up. */
export const MAX_ATTEMPTS = 8;
/** Longer waits need the user's consent: the Hub's own windows are five minutes. */
export const MAX_WAIT_MS = 15 * 60_000;

/**
 * The wait that an answer of 429 or 503 requests, in milliseconds; null if none. Reads `Retry-After` (seconds or a
 * date) and `RateLimit` (`"api";r=0;t=120`, draft-ietf-httpapi-ratelimit-headers), as the Hub sends it.
 */
export function retryAfterMs(headers: Headers, date = Date.now()): number | null {
  const after = headers.get('Retry-After')?.trim();
  if (after !== undefined && /^\d+(?:\.\d+)?$/.test(after)) return Number(after) * 1000;
  const until = after === undefined ? NaN : Date.parse(after);
  if (!Number.isNaN(until)) return Math.max(0, until - date);
  const [, reset] = /;\s*t=(\d+)/.exec(headers.get('RateLimit') ?? '') ?? [];
  return reset === undefined ? null : Number(reset) * 1000;
}

/**
 * The wait before the next attempt after `failures` in a row: exponential backoff from a quarter of a second to half a
 * minute, with jitter.
 */
export function backOff(failures: number): number {
  return Math.min(30_000, 250 * 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
}
