import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../../testing/cli.ts';
import { caught, expectGraftError } from '../../testing/errors.ts';
import { signal } from '../../testing/signal.ts';
import { MemoryDirectory } from './memoryDirectory.ts';
import { nodeDirectory } from './nodeDirectory.ts';
import { nodeLocks } from './nodeLocks.ts';
import { SILENT_MS } from './lockRecord.ts';
import { thisProcess } from './nodeProcess.ts';
import type { Directory, LockHolder, Owner } from './types.ts';

const root = scratchFolder();
const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(values);
let count = 0;

describe.each<[string, () => Directory]>([
  ['MemoryDirectory', () => new MemoryDirectory('m')],
  ['nodeDirectory', () => nodeDirectory(join(root, `sub/${(count += 1)}`))],
])('%s', (_, make) => {
  it('is empty at first', async () => {
    const directory = make();
    expect([await directory.list(), await directory.directories()]).toEqual([[], []]);
    await directory.removeDirectory('none');
  });

  it('edits files in place, at any offset', async () => {
    const directory = await make().directory('a');
    const file = await directory.edit('x');
    await file.write(4, bytes(5, 6));
    expect(await file.read(0, 6)).toEqual(bytes(0, 0, 0, 0, 5, 6));
    await Promise.all([file.write(0, bytes(1, 2)), file.write(2, bytes(3, 4))]);
    expect(await file.read(1, 4)).toEqual(bytes(2, 3, 4, 5));
    await expectGraftError(() => file.read(3, 4), 'storage.short_read', { file: 'x', size: 6 });
    await file.truncate(3);
    await file.truncate(5);
    expect([await file.size(), await file.read(0, 5)]).toEqual([5, bytes(1, 2, 3, 0, 0)]);
    await file.flush();
    await file.close();
    await file.close();
    const again = await directory.edit('x');
    expect(await again.read(0, 3)).toEqual(bytes(1, 2, 3));
    await again.close();
    expect(await (await directory.open('x')).read(2, 3)).toEqual(bytes(3, 0, 0));
  });

  it('lists and removes folders', async () => {
    const directory = make();
    for (const name of ['b', 'a']) await (await (await directory.directory(name)).edit('x')).close();
    expect([await directory.directories(), await directory.list()]).toEqual([['a', 'b'], []]);
    await directory.removeDirectory('a');
    expect(await directory.directories()).toEqual(['b']);
    expect(await (await directory.directory('b')).list()).toEqual(['x']);
  });

  it.each(['', '..', 'a/b', 'a\\b', 'c:x'])('rejects the name “%s”', async (name) => {
    const directory = make();
    await expectGraftError(() => directory.directory(name), 'storage.bad_name');
    await expectGraftError(() => directory.edit(name), 'storage.bad_name');
    if (directory instanceof MemoryDirectory) return;
    await expectGraftError(() => directory.removeDirectory(name), 'storage.bad_name');
  });
});

describe('nodeLocks', () => {
  const folder = join(root, 'locks');
  const locks = nodeLocks(folder);

  it('lets one owner work at a time, and is released after an error', async () => {
    const order: string[] = [];
    let waited = 0;
    const other = signal();
    const onWait = () => {
      waited += 1;
      other.give();
    };
    const work = async (name: string) => {
      order.push(`${name}+`);
      await other.given;
      order.push(`${name}-`);
    };
    await Promise.all(['a', 'b'].map((name) => locks.hold('one', () => work(name), { onWait })));
    expect(order.map((entry) => entry.slice(1)).join('')).toBe('+-+-');
    expect(waited).toBe(1);
    const failed = await caught(() => locks.hold('one', () => Promise.reject(new Error('x'))));
    expect(failed).toMatchObject({ message: 'x' });
    expect(await locks.hold('one', async () => 7)).toBe(7);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('stops waiting when aborted', async () => {
    const stop = new AbortController();
    await locks.hold('two', async () => {
      const waiting = locks.hold('two', async () => 1, { signal: stop.signal, onWait: () => stop.abort() });
      expect(await caught(() => waiting)).toMatchObject({ name: 'AbortError' });
    });
  });

  describe('a lock that was left', () => {
    const file = join(folder, 'left.lock');
    const pastSilence = new Date(Date.now() - 2 * SILENT_MS);
    /** What a lock of this process says, changed; and when its owner gave the last sign of life. */
    const leave = async (change: object | string, seen: Date): Promise<void> => {
      mkdirSync(folder, { recursive: true });
      const record = { ...(await thisProcess()), token: 'left', since: 5 };
      writeFileSync(file, typeof change === 'string' ? change : JSON.stringify({ ...record, ...change }));
      utimesSync(file, seen, seen);
    };
    const taken = () => {
      const stop = new AbortController();
      const options = { signal: stop.signal, onWait: (holder: LockHolder) => stop.abort(holder) };
      const work = async ({ mayWake }: Owner) => (mayWake ? 'taken, may wake' : 'taken');
      return locks.hold('left', work, options).catch((holder: unknown) => holder);
    };
    const [now, before] = [new Date(), new Date(0)];

    it.each<[string, string, () => Promise<object | string> | object | string, Date]>([
      ['taken', 'of a process that has ended', async () => ({ pid: await endedProcess() }), now],
      ['taken', 'of a process whose number another has now', () => ({ startTime: 1 }), now],
      ['taken', 'of this machine before it was started again', () => ({ boot: 'earlier' }), before],
      [
        'taken, may wake',
        'of another machine that is silent',
        () => ({ machine: 'm', boot: 'b' }),
        pastSilence,
      ],
      [
        'taken, may wake',
        'of another container that is silent',
        () => ({ pidNamespace: 'pid:[1]' }),
        pastSilence,
      ],
      ['taken, may wake', 'without content, for long', () => '', pastSilence],
      ['held', 'of a process that lives, however silent', () => ({}), before],
      ['held', 'of another machine', () => ({ machine: 'm', boot: 'b' }), now],
      ['held', 'of a machine with this one’s name', () => ({ boot: 'other' }), now],
      ['held', 'of another container', () => ({ pidNamespace: 'pid:[1]', pid: 1 }), now],
      ['held', 'that is being written', () => '{"pid":', now],
    ])('is %s: one %s', async (outcome, _what, change, seen) => {
      await leave(await change(), seen);
      const before = readFileSync(file, 'utf8');
      if (outcome !== 'held') {
        expect(await locks.holder('left')).toBe(null);
        expect(await taken()).toBe(outcome);
        expect(readdirSync(folder)).toEqual([]);
      } else {
        expect(await locks.holder('left')).toMatchObject({ file });
        expect(await taken()).toMatchObject({ file });
        expect(readFileSync(file, 'utf8')).toBe(before);
        rmSync(file);
      }
    });

    it('says whose it is where that is a process here', async () => {
      await leave({}, now);
      expect(await locks.holder('left')).toEqual({ pid: process.pid, since: 5, file });
      await leave({ pidNamespace: 'pid:[1]' }, now);
      expect(await locks.holder('left')).toEqual({ pid: null, since: 5, file });
      rmSync(file);
    });

    it('has one heir, of many that find it, and of those that died as heirs', async () => {
      const pid = await endedProcess();
      for (let round = 0; round < 6; round++) {
        await leave({ pid }, now);
        // One has died between the two locks.
        if (round % 2 === 1) {
          renameSync(file, `${file}.left.heir`);
          await leave({ pid }, now);
        }
        let inside = 0;
        const work = async (owner: Owner): Promise<void> => {
          expect((inside += 1)).toBe(1);
          await owner.check();
          inside -= 1;
        };
        await Promise.all(Array.from({ length: 4 }, () => nodeLocks(folder).hold('left', work)));
        expect(readdirSync(folder)).toEqual([]);
      }
    });
  });

  it('tells an owner that it is none any more, and leaves the next one’s lock alone', async () => {
    const file = join(folder, 'lost.lock');
    await locks.hold('lost', async (owner) => {
      await owner.check();
      rmSync(file);
      await expectGraftError(() => owner.check(), 'storage.lost_ownership', { folder });
      await locks.hold('lost', async (next) => {
        await next.check();
        await expectGraftError(() => owner.check(), 'storage.lost_ownership');
        writeFileSync(file, readFileSync(file, 'utf8').replace(next.token, 'third'));
      });
    });
    expect(readFileSync(file, 'utf8')).toContain('third');
    rmSync(file);
  });

  it('is not taken from a process that was stopped', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', '-e', holdForever], { stdio: 'pipe' });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGSTOP');
    const file = join(folder, 'stopped.lock');
    utimesSync(file, new Date(0), new Date(0));
    expect(await locks.holder('stopped')).toMatchObject({ pid: child.pid });
    const ended = new Promise((resolve) => child.on('close', resolve));
    child.kill('SIGKILL');
    await ended;
    expect(await locks.hold('stopped', async () => 2)).toBe(2);
  });

  const holdForever = `
    import { nodeLocks } from ${JSON.stringify(join(import.meta.dirname, 'nodeLocks.ts'))};
    nodeLocks(${JSON.stringify(folder)}).hold('stopped', () => {
      console.log('held');
      return new Promise(() => setInterval(() => {}, 1000));
    });`;
});

/** The number of a process that has ended. */
async function endedProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => child.on('close', resolve));
  return child.pid!;
}
