import { expect, test } from 'vitest';
import { signal } from '../../testing/signal.ts';
import { serial } from './serial.ts';

test('tasks run one at a time, in order, and resolve to what they return', async () => {
  const inTurn = serial();
  const log: string[] = [];
  const queued = signal();
  const task = (name: string, until?: Promise<void>) => async () => {
    log.push(`${name} begins`);
    await until;
    log.push(`${name} ends`);
    return name;
  };
  const tasks = [inTurn(task('slow', queued.given)), inTurn(task('quick'))];
  queued.give();
  const names = await Promise.all(tasks);
  expect(names).toEqual(['slow', 'quick']);
  expect(log).toEqual(['slow begins', 'slow ends', 'quick begins', 'quick ends']);
});

test('a task that fails, or throws at once, rejects alone: the next one runs', async () => {
  const inTurn = serial();
  const failing = inTurn(() => Promise.reject(new Error('first')));
  const throwing = inTurn((): Promise<never> => {
    throw new Error('second');
  });
  const fine = inTurn(() => Promise.resolve('third'));
  await expect(failing).rejects.toThrow('first');
  await expect(throwing).rejects.toThrow('second');
  await expect(fine).resolves.toBe('third');
});
