import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, readFile, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GraftError } from '../lib/errors.ts';
import { checkFileName } from '../lib/fileName.ts';
import { parseLock, type LockRecord } from './lockRecord.ts';
import { isOfThisMachine, isSilent, lifeOf, thisProcess, type Life } from './nodeProcess.ts';
import { naming } from './storageError.ts';
import type { LockHolder, Locks, Owner } from './types.ts';

const RETRY_MS = 250;
const [QUICK_TRIES, QUICK_RETRY_MS] = [10, 20];
/** How often an owner touches its lock, for those who cannot see its process. */
const HEARTBEAT_MS = 5_000;

/** A lock file that was read; `owner` is null where it cannot be parsed, as one that was cut off. */
interface FoundLock {
  owner: LockRecord | null;
  /** Of the file, where there is no owner. */
  token: string;
  /** Its owner's last sign of life, in milliseconds since 1970. */
  seenMs: number;
}

/**
 * Locks as files `NAME.lock` in a folder, beside what they guard. The lock of a process that has ended is taken over; of one
 * that lives on this boot it never is (`lifeOf`).
 */
export function nodeLocks(path: string): Locks {
  const folder = resolve(path);
  const fileOf = (name: string): string => {
    checkFileName(name);
    return join(folder, `${name}.lock`);
  };
  return {
    async hold(name, work, { signal, onWait } = {}) {
      const file = fileOf(name);
      const token = randomUUID();
      const named = <T>(does: () => Promise<T>): Promise<T> => naming(basename(file), folder, does);
      let isTold = false;
      const taking = (tries: number) =>
        take(file, token).catch((error: unknown) => {
          // An owner that made the folder and wrote nothing removes it again.
          if ((error as NodeJS.ErrnoException).code === 'ENOENT' && tries <= QUICK_TRIES) return null;
          throw error;
        });
      let before: 'free' | Life | null = null;
      for (let tries = 0; before === null; tries++) {
        // Waiting only reads.
        const holder = await named(() => holderOf(file));
        if (!holder) before = await named(() => taking(tries));
        if (before !== null) break;
        signal?.throwIfAborted();
        // It may have become free a moment ago, or be about to change hands.
        if (!isTold && (holder || tries > QUICK_TRIES)) {
          isTold = true;
          onWait?.(holder ?? { pid: null, since: null, file });
        }
        await sleep(isTold ? RETRY_MS : QUICK_RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
      const owner = ownerOf(file, token, before === 'silent');
      const heartbeat = setInterval(() => {
        const now = new Date();
        owner
          .check()
          .then(() => utimes(file, now, now))
          .catch(() => undefined);
      }, HEARTBEAT_MS).unref();
      try {
        return await work(owner);
      } finally {
        clearInterval(heartbeat);
        // One that cannot be removed is dead once this process has ended.
        await release(file, token).catch(() => undefined);
      }
    },
    holder: (name) => naming(name, folder, () => holderOf(fileOf(name))),
  };
}

function ownerOf(file: string, token: string, mayWake: boolean): Owner {
  return {
    token,
    mayWake,
    async check() {
      const found = await naming(basename(file), dirname(file), () => readLock(file));
      if (found?.token !== token)
        throw new GraftError('storage.lost_ownership', { file: basename(file), folder: dirname(file) });
    },
  };
}

async function release(file: string, token: string): Promise<void> {
  if ((await readLock(file))?.token === token) await rm(file, { force: true });
}

async function holderOf(file: string): Promise<LockHolder | null> {
  const found = await readLock(file);
  if (!found || (await isDead(found))) return null;
  const isHere = found.owner !== null && isOfThisMachine(found.owner, await thisProcess());
  return { pid: isHere ? found.owner!.pid : null, since: found.owner?.since ?? null, file };
}

/**
 * Creates the lock file with its content, unless another's is there: one whose owner has ended is replaced.
 * @returns what became of the owner before; null where the lock is another's
 */
async function take(file: string, token: string): Promise<'free' | Life | null> {
  await mkdir(dirname(file), { recursive: true });
  const mine = `${file}.${token}`;
  try {
    const record: LockRecord = { ...(await thisProcess()), token, since: Date.now() };
    const handle = await open(mine, 'wx');
    try {
      await handle.writeFile(JSON.stringify(record));
      // A lock without content after a power failure would be nobody's.
      await handle.sync();
    } finally {
      await handle.close();
    }
    return (await create(mine, file)) ? 'free' : await replace(mine, file);
  } finally {
    await rm(mine, { force: true });
  }
}

/** @returns false where the file exists */
async function create(mine: string, file: string): Promise<boolean> {
  try {
    // Unlike a rename, a link never replaces; unlike opening with 'wx', the file never exists without its content.
    await link(mine, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // exFAT and some network file systems have no links.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'].includes(code ?? '')) throw error;
    try {
      await copyFile(mine, file, constants.COPYFILE_EXCL);
    } catch (copying) {
      if ((copying as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw copying;
    }
  }
  return true;
}

/**
 * Replaces the lock of an owner that has ended; null where it has not, or another does so. Two processes may find the same dead owner, and one of them may sleep for long
 * before it acts: so only that owner's heir replaces its lock. The heir is who holds a second lock, named after the dead
 * owner's token, and that one is inherited in the same way.
 */
async function replace(mine: string, file: string): Promise<Life | null> {
  const found = await readLock(file);
  const life = found ? await ownerLife(found) : 'lives';
  if (!found || life === 'lives') return null;
  const heir = `${file}.${found.token}.heir`;
  if (!(await create(mine, heir)) && !(await replaceHeir(mine, heir))) return null;
  try {
    if ((await readLock(file))?.token !== found.token) return null;
    await rename(mine, file);
  } finally {
    await rm(heir, { force: true });
  }
  await removeRemains(file);
  return life;
}

/** A copy stands in for `mine`, which is needed for the lock itself. */
async function replaceHeir(mine: string, heir: string): Promise<Life | null> {
  const copy = `${mine}.copy`;
  await copyFile(mine, copy);
  try {
    return await replace(copy, heir);
  } finally {
    await rm(copy, { force: true });
  }
}

/** Removes what processes that ended while they took this lock have left. */
async function removeRemains(file: string): Promise<void> {
  const names = await readdir(dirname(file)).catch(() => []);
  for (const name of names.filter((other) => other.startsWith(`${basename(file)}.`))) {
    const path = join(dirname(file), name);
    const found = await readLock(path).catch(() => null);
    if (found?.owner && (await isDead(found))) await rm(path, { force: true });
  }
}

/** Null where there is no lock. */
async function readLock(file: string): Promise<FoundLock | null> {
  try {
    const [text, { mtimeMs, ino }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    const owner = parseLock(text);
    return { owner, token: owner?.token ?? `${ino}-${Math.floor(mtimeMs)}`, seenMs: mtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function isDead(found: FoundLock): Promise<boolean> {
  return (await ownerLife(found)) !== 'lives';
}

async function ownerLife({ owner, seenMs }: FoundLock): Promise<Life> {
  if (owner) return lifeOf(owner, seenMs);
  return isSilent(seenMs) ? 'silent' : 'lives';
}
