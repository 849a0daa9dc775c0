import { existsSync } from 'node:fs';
import type { LaunchOptions } from 'puppeteer-core';
import { lavapipeEnvironment } from '../hosts/node/lavapipe.ts';

const SYSTEM_FIREFOX = [
  '/usr/bin/firefox-esr',
  '/usr/bin/firefox',
  '/Applications/Firefox.app/Contents/MacOS/firefox',
  'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
];

/** The Firefox for tests: $GRAFT_FIREFOX or the system's. */
export function findFirefox(): string | undefined {
  return [process.env.GRAFT_FIREFOX, ...SYSTEM_FIREFOX].find((path) => path && existsSync(path));
}

/**
 * Launch options of Firefox for tests: WebGPU on despite a software driver (in the page and in workers, which needs
 * both preferences), and downloads saved to `downloadFolder` without a dialog. Throws if there is no Firefox.
 */
export function firefoxLaunchOptions(downloadFolder: string): LaunchOptions {
  const executablePath = findFirefox();
  if (!executablePath) throw new Error('no Firefox: install it, or name it in GRAFT_FIREFOX');
  return {
    browser: 'firefox',
    executablePath,
    headless: true,
    // Bounds against hanging: a busy machine takes its time, and so do tests within the page.
    timeout: 300_000,
    protocolTimeout: 1_800_000,
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
