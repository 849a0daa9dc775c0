import { createHash } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import { SILENT_MS, type ProcessId } from './lockRecord.ts';

/** Clocks and time stamps of file systems are not exact. */
const BOOT_SLACK_MS = 2_000;

let mine: Promise<ProcessId> | null = null;

/** This process. */
export function thisProcess(): Promise<ProcessId> {
  return (mine ??= identify());
}

async function identify(): Promise<ProcessId> {
  const linux = <T>(read: () => Promise<T>): Promise<T | null> =>
    process.platform === 'linux' ? read().catch(() => null) : Promise.resolve(null);
  const machineId = await linux(() => readFile('/etc/machine-id', 'utf8'));
  return {
    machine: createHash('sha256')
      .update(JSON.stringify([hostname(), machineId]))
      .digest('hex')
      .slice(0, 16),
    boot: await linux(async () => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()),
    pidNamespace: await linux(() => readlink('/proc/self/ns/pid')),
    pid: process.pid,
    startTime: (await linux(() => statOf('self')))?.startTime ?? null,
  };
}

/** What is known of a process: it lives, for all that is known; it has ended; or it must be taken for that. */
export type Life = 'lives' | 'ended' | 'silent';

/**
 * Whether a process has ended, or has given no sign of life for so long that it must be taken for that. One that lives on this
 * boot is never: it may be stopped, or wait for a slow disk.
 * @param seenMs its last sign of life, in milliseconds since 1970
 */
export async function lifeOf(other: ProcessId, seenMs: number): Promise<Life> {
  if (await hasEnded(other, seenMs)) return 'ended';
  return !(await isVisible(other)) && isSilent(seenMs) ? 'silent' : 'lives';
}

/** Whether nobody was heard of for long. */
export function isSilent(seenMs: number): boolean {
  return Date.now() - seenMs > SILENT_MS;
}

/** Whether this process can see whether another runs. */
async function isVisible(other: ProcessId): Promise<boolean> {
  const me = await thisProcess();
  if (other.boot !== me.boot) return false;
  return me.boot === null ? other.machine === me.machine : other.pidNamespace === me.pidNamespace;
}

async function hasEnded(other: ProcessId, seenMs: number): Promise<boolean> {
  const me = await thisProcess();
  const wasBeforeBoot = seenMs < Date.now() - uptime() * 1000 - BOOT_SLACK_MS;
  if (other.boot !== me.boot) return other.machine === me.machine && wasBeforeBoot;
  // Another container of this machine, say: its numbers mean nothing here.
  if (!(await isVisible(other))) return false;
  if (me.boot === null) return wasBeforeBoot || !isRunning(other.pid);
  if (!isRunning(other.pid)) return true;
  const stat = await statOf(other.pid).catch(() => null);
  // Hidden from this user: it exists, and more cannot be known.
  if (stat === null) return false;
  return stat.isZombie || (other.startTime !== null && stat.startTime !== other.startTime);
}

/** Whether this machine knows the process by its number. */
export function isOfThisMachine(other: ProcessId, me: ProcessId): boolean {
  return other.machine === me.machine && other.boot === me.boot && other.pidNamespace === me.pidNamespace;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function statOf(pid: number | 'self'): Promise<{ startTime: number; isZombie: boolean }> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name of the program, in parentheses, may contain anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { startTime: Number(fields[19]), isZombie: fields[0] === 'Z' || fields[0] === 'X' };
}
