import { openChromium } from './chromium.ts';
import { openFirefox } from './firefox.ts';
import type { BrowserName, Studio } from './studio.ts';

/** Each browser with its function to open the studio, for `describe.each`. */
export const browsers: readonly [BrowserName, (url: string) => Promise<Studio>][] = [
  ['chromium', openChromium],
  ['firefox', openFirefox],
];
