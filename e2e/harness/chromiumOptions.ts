import { existsSync } from 'node:fs';
import { chromium, type LaunchOptions } from 'playwright';

const SYSTEM_CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The Chromium that tests start: $GRAFT_CHROMIUM, the system's, or the one Playwright has downloaded. */
export function findChromium(): string | undefined {
  const candidates = [process.env.GRAFT_CHROMIUM, ...SYSTEM_CHROMIUM, chromium.executablePath()];
  return candidates.find((path) => path && existsSync(path));
}

/**
 * How tests start Chromium: WebGPU on SwiftShader, so that results do not depend on the machine's GPU, and
 * nothing fetched in the background.
 */
export function chromiumLaunchOptions({ webgpu = true }: { webgpu?: boolean } = {}): LaunchOptions {
  const executablePath = findChromium();
  return {
    ...(executablePath && { executablePath }),
    headless: true,
    args: [
      ...(webgpu
        ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']
        : ['--disable-features=WebGPU']),
      '--no-sandbox',
      '--no-first-run',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  };
}
