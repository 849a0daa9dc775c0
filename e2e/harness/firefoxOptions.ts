import { existsSync } from 'node:fs';
import type { LaunchOptions } from 'puppeteer-core';
import { lavapipeEnvironment } from '../../src/cli/lavapipe.ts';

const SYSTEM_FIREFOX = [
  '/usr/bin/firefox-esr',
  '/usr/bin/firefox',
  '/Applications/Firefox.app/Contents/MacOS/firefox',
  'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
];

/** The Firefox that tests start: $GRAFT_FIREFOX or the system's. */
export function findFirefox(): string | undefined {
  return [process.env.GRAFT_FIREFOX, ...SYSTEM_FIREFOX].find((path) => path && existsSync(path));
}

/**
 * How tests start Firefox: WebGPU on although the driver is a software one (in the page and in workers, both
 * preferences are needed), and downloads saved to `downloadFolder` without asking.
 * Throws where there is no Firefox.
 */
export function firefoxLaunchOptions(downloadFolder: string): LaunchOptions {
  const executablePath = findFirefox();
  if (!executablePath) throw new Error('no Firefox: install it, or name it in GRAFT_FIREFOX');
  return {
    browser: 'firefox',
    executablePath,
    headless: true,
    // The window's own size: older Firefox has no command for the viewport's.
    defaultViewport: null,
    args: ['--width=1280', '--height=900'],
    env: { ...process.env, ...lavapipeEnvironment(process.env) },
    extraPrefsFirefox: {
      'dom.webgpu.enabled': true,
      'gfx.webgpu.ignore-blocklist': true,
      'browser.download.dir': downloadFolder,
      'browser.download.folderList': 2,
      'browser.download.useDownloadDir': true,
      'browser.download.always_ask_before_handling_new_types': false,
      'browser.download.alwaysOpenPanel': false,
    },
  };
}
