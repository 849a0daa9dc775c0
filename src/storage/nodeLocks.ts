import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkFileName } from '../lib/fileName.ts';
import { naming } from './storageError.ts';
import type { Locks } from './types.ts';

const RETRY_MS = 250;
/** An owner touches its lock this often, so that one left by a machine that lost power is known to be dead. */
const HEARTBEAT_MS = 5_000;
const DEAD_AFTER_MS = 60_000;

/** Locks as files of a folder that hold their owner's process id. The lock of a process that has died is taken over. */
export function nodeLocks(path: string): Locks {
  const folder = resolve(path);
  return {
    async hold(name, work, { signal, onWait } = {}) {
      checkFileName(name);
      const file = join(folder, `${name}.lock`);
      await naming(name, folder, () => mkdir(folder, { recursive: true }));
      let waiting = false;
      while (!(await naming(name, folder, () => take(file)))) {
        signal?.throwIfAborted();
        if (!waiting) onWait?.();
        waiting = true;
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
      const heartbeat = setInterval(() => {
        const now = new Date();
        utimes(file, now, now).catch(() => undefined);
      }, HEARTBEAT_MS).unref();
      try {
        return await work();
      } finally {
        clearInterval(heartbeat);
        await rm(file, { force: true });
      }
    },
  };
}

/** Makes the lock file, complete with its content, if there is none; one whose owner has died is removed first. */
async function take(file: string): Promise<boolean> {
  const mine = `${file}.${randomUUID()}`;
  await writeFile(mine, String(process.pid));
  try {
    // Unlike a rename, a link never replaces; unlike opening with 'wx', the file is never there without its content.
    await link(mine, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    await removeIfDead(file);
    return false;
  } finally {
    await unlink(mine);
  }
}

async function removeIfDead(file: string): Promise<void> {
  if (!(await isDead(file))) return;
  // Two may find the same dead owner. A rename succeeds for one of them; should it have met the lock of a new owner,
  // that lock is put back.
  const aside = `${file}.${randomUUID()}`;
  await rename(file, aside).catch(() => undefined);
  if (!(await isDead(aside))) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

async function isDead(file: string): Promise<boolean> {
  try {
    const [owner, { mtimeMs }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    return !isAlive(Number(owner)) || Date.now() - mtimeMs > DEAD_AFTER_MS;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
