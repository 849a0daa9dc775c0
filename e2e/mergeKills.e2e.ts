import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRandom } from '../src/lib/random.ts';
import type { MergeAnswer, MergeTask } from '../src/testing/mergeWorker.ts';
import { chromiumLaunchOptions } from './harness/chromiumOptions.ts';
import { serveWorker } from './harness/workerPage.ts';

const KILLS = 25;
const WRITE_MS = 25;

let server: Awaited<ReturnType<typeof serveWorker>>;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  server = await serveWorker(fileURLToPath(new URL('../src/testing/mergeWorker.ts', import.meta.url)));
  browser = await chromium.launch(chromiumLaunchOptions());
  const context = await browser.newContext();
  // A tab that stays, so that the storage does too.
  await (await context.newPage()).goto(server.url);
  page = await context.newPage();
  await page.goto(server.url);
});
afterAll(async () => {
  await browser?.close();
  server?.close();
});

/** Gives a new worker a task. With `killAfter` its worker or its whole tab ends after so many milliseconds: null. */
async function ask(
  kind: MergeTask['kind'],
  killAfter: number | null = null,
  crash = false,
): Promise<MergeAnswer | null> {
  const answer = page.evaluate(
    ({ task, kill }) =>
      new Promise<unknown>((resolve, reject) => {
        const worker = new Worker('/worker.js', { type: 'module' });
        worker.onmessage = ({ data }) => {
          worker.terminate();
          resolve(data);
        };
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage(task);
        if (kill === null) return;
        setTimeout(() => {
          worker.terminate();
          resolve(null);
        }, kill);
      }),
    { task: { kind, writeMs: WRITE_MS }, kill: crash ? null : killAfter },
  ) as Promise<MergeAnswer | null>;
  if (!crash || killAfter === null) return answer;
  const dead = new Promise<null>((resolve) => setTimeout(resolve, killAfter, null));
  const first = await Promise.race([answer, dead]);
  if (first !== null) return first;
  answer.catch(() => undefined);
  const context = page.context();
  const session = await context.newCDPSession(page);
  const crashed = page.waitForEvent('crash');
  session.send('Page.crash').catch(() => undefined);
  await crashed;
  await page.close();
  page = await context.newPage();
  await page.goto(server.url);
  return null;
}

it(`ends in the same bytes through ${KILLS} kills, and is never a model with others`, async () => {
  const random = createRandom(20);
  await ask('clear');
  const started = performance.now();
  const whole = await ask('merge');
  const duration = performance.now() - started;
  expect(whole?.error).toBeNull();
  const expected = whole!.hashes!;
  expect(Object.keys(expected).length).toBeGreaterThan(5);
  await ask('clear');
  let [kills, goneOn, done, unfinished] = [0, 0, 0, 0];
  while (kills < KILLS) {
    const answer = await ask('merge', random.next() * duration, kills % 5 === 4);
    if (answer === null) {
      kills += 1;
      // As a page that has just been opened sees it.
      const seen = await ask('look');
      expect(seen?.error).toBeNull();
      if (seen!.hashes === null) unfinished += 1;
      else {
        // Killed at the very end: the journal may still stand beside a model that is whole.
        const { 'graft-merge.unfinished': _, ...found } = seen!.hashes;
        expect(found).toEqual(expected);
      }
      continue;
    }
    expect(answer).toMatchObject({ error: null, hashes: expected });
    done += 1;
    if (answer.kept > 0) goneOn += 1;
    await ask('clear');
  }
  const last = await ask('merge');
  expect(last).toMatchObject({ error: null, hashes: expected });
  console.info(
    `${KILLS} kills: ${unfinished} unfinished, ${done} merges ended, ${goneOn} went on with what was there`,
  );
  expect(unfinished).toBeGreaterThan(KILLS / 2);
  expect(goneOn + (last!.kept > 0 ? 1 : 0)).toBeGreaterThan(0);
});
