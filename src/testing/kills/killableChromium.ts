import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright';
import { chromiumLaunchOptions } from '../../launch/chromiumOptions.ts';
import { WAIT } from '../browsers/studio.ts';
import type { KillableBrowser } from './killableBrowser.ts';

/** Chromium with a profile on disk. */
export function killableChromium(): KillableBrowser {
  const profile = mkdtempSync(join(tmpdir(), 'graft-kills-'));
  let context: BrowserContext | null = null;
  let hear: (news: unknown) => void = () => undefined;
  return {
    async open(tell) {
      hear = tell;
      if (!context) {
        context = await chromium.launchPersistentContext(profile, chromiumLaunchOptions());
        context.setDefaultTimeout(WAIT);
        await context.exposeFunction('tell', (news: unknown) => hear(news));
      }
      return context.newPage();
    },
    async crash(page) {
      const session = await context!.newCDPSession(page as Page);
      const crashed = (page as Page).waitForEvent('crash');
      session.send('Page.crash').catch(() => undefined);
      await crashed;
      await page.close();
    },
    async kill() {
      const closed = context!.waitForEvent('close');
      const session = await context!.newCDPSession(context!.pages()[0]!);
      context = null;
      session.send('Browser.crash').catch(() => undefined);
      await closed;
    },
    async close() {
      await context?.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
