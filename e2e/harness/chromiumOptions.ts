import { existsSync } from 'node:fs';
import type { LaunchOptions } from 'playwright';

const SYSTEM_CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/**
 * How tests start Chromium: the system's where there is one, else Playwright's own; WebGPU on SwiftShader, so
 * that results do not depend on the machine's GPU; nothing fetched in the background.
 */
export function chromiumLaunchOptions(): LaunchOptions {
  const executablePath = SYSTEM_CHROMIUM.find((path) => existsSync(path));
  return {
    ...(executablePath && { executablePath }),
    headless: true,
    args: [
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      '--no-sandbox',
      '--no-first-run',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  };
}
