import * as v from 'valibot';

/** A merge whose page was closed or reloaded before it ended. */
export interface InterruptedMerge {
  /** The folder it wrote to; null for a zip. */
  folder: string | null;
  /** The stored run and step whose result it merged; null where no run has it. */
  run: { id: string; step: number } | null;
}

/** How long a reload waits for the page before, which may not have released its lock yet. */
const RELOAD_WAIT_MS = 1500;
const STORAGE_KEY = 'graft.merge';
const schema = v.object({
  lock: v.string(),
  folder: v.nullable(v.string()),
  run: v.nullable(v.object({ id: v.string(), step: v.number() })),
});

/**
 * Notes that a merge begins, for the next visit in case this one does not see its end; the browser's lock says whether it
 * still runs in another tab.
 * @returns a function that notes its end
 */
export function noteMerge(merge: InterruptedMerge): () => void {
  const lock = `graft:merge-${crypto.randomUUID()}`;
  write(JSON.stringify({ lock, ...merge }));
  let release: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (release = resolve));
  void locks()
    ?.request(lock, () => ended)
    .catch(() => undefined);
  return () => {
    write(null);
    release();
  };
}

/** The merge that the last visit did not end; null where there is none, or another tab is still at it. */
export async function interruptedMerge(): Promise<InterruptedMerge | null> {
  const noted = read();
  if (!noted) return null;
  const { lock, ...merge } = noted;
  const running = await locks()
    ?.request(lock, { signal: AbortSignal.timeout(RELOAD_WAIT_MS) }, () => false)
    .catch(() => true);
  return running ? null : merge;
}

/** Forgets the merge of an earlier visit. */
export function forgetMerge(): void {
  write(null);
}

function locks(): LockManager | undefined {
  return (globalThis.navigator as Navigator | undefined)?.locks;
}

function read() {
  try {
    const result = v.safeParse(schema, JSON.parse(localStorage.getItem(STORAGE_KEY) ?? 'null'));
    return result.success ? result.output : null;
  } catch {
    return null;
  }
}

function write(value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(STORAGE_KEY);
    else localStorage.setItem(STORAGE_KEY, value);
  } catch {
    // Private windows may deny storage: then the next visit knows nothing of it.
  }
}
