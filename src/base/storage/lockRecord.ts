/** Identifies a process beyond its number, which is used again after its end, after a reboot and in other containers. */
export interface ProcessId {
  /** A digest: lock files may be left in folders that are published. A page has `browser`. */
  machine: string;
  /** The kernel's name of this boot, for a page that of its browser's storage; null where there is none. */
  boot: string | null;
  /** Process numbers are unique within it; null where there are none. */
  pidNamespace: string | null;
  pid: number;
  /** In clock ticks since the boot; null where that is not known. */
  startTime: number | null;
}

/** The contents of a lock file, as JSON. */
export interface LockRecord extends ProcessId {
  token: string;
  /** Milliseconds since 1970. */
  since: number;
}

/** A signal of life older than this counts as none, where nothing better can be known: another machine or container. */
export const SILENT_MS = 10 * 60_000;

/** Reads the contents of a lock file; null where they are not whole. */
export function parseLock(text: string): LockRecord | null {
  try {
    const record = JSON.parse(text) as LockRecord | null;
    const isRecord = typeof record?.token === 'string' && /^[\w-]{1,64}$/.test(record.token);
    return isRecord && Number.isInteger(record.pid) && record.pid > 0 ? record : null;
  } catch {
    return null;
  }
}
