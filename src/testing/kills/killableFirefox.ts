import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser } from 'puppeteer-core';
import { firefoxLaunchOptions } from '../../launch/firefoxOptions.ts';
import { poll, WAIT } from '../browsers/studio.ts';
import type { KillableBrowser } from './killableBrowser.ts';

/** Firefox with a profile on disk. A tab's crash is the death of the processes of all tabs, which BiDi does not name. */
export function killableFirefox(): KillableBrowser {
  const profile = mkdtempSync(join(tmpdir(), 'graft-kills-'));
  let browser: Browser | null = null;
  return {
    async open(tell) {
      browser ??= await puppeteer.launch({ ...firefoxLaunchOptions(tmpdir()), userDataDir: profile });
      const page = await browser.newPage();
      page.setDefaultTimeout(WAIT);
      await page.exposeFunction('tell', tell);
      return page;
    },
    async crash() {
      const main = browser!.process()!.pid!;
      for (const tab of tabProcesses(main)) process.kill(tab, 'SIGKILL');
      // A browser without its tabs answers nothing for them any more.
      await this.kill();
    },
    async kill() {
      const main = browser!.process()!;
      browser = null;
      const exited = once(main, 'exit');
      main.kill('SIGKILL');
      await exited;
      // The driver puts the profile's settings back only then, and would fall over that in the next start.
      const settling = () => readdirSync(profile).some((name) => name.endsWith('.puppeteer'));
      await poll(
        async () => !settling(),
        WAIT,
        async () => 'the settings of the profile are not put back',
      );
    },
    async close() {
      await browser?.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** The processes that run the pages of a Firefox. */
function tabProcesses(browser: number): number[] {
  const listed = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(browser)], { encoding: 'utf8' });
  return listed
    .split('\n')
    .filter((line) => line.endsWith(' tab'))
    .map((line) => Number.parseInt(line, 10));
}
