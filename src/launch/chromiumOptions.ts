import { existsSync } from 'node:fs';
import { chromium, type LaunchOptions } from 'playwright';

const SYSTEM_CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The Chromium for tests: $GRAFT_CHROMIUM, the system's, or the one downloaded by Playwright. */
export function findChromium(): string | undefined {
  const candidates = [process.env.GRAFT_CHROMIUM, ...SYSTEM_CHROMIUM, chromium.executablePath()];
  return candidates.find((path) => path && existsSync(path));
}

/**
 * Launch options of Chromium for tests: WebGPU on SwiftShader, so that results do not depend on the machine's GPU, and
 * no background network access.
 */
export function chromiumLaunchOptions({ webgpu = true }: { webgpu?: boolean } = {}): LaunchOptions {
  const executablePath = findChromium();
  return {
    ...(executablePath && { executablePath }),
    headless: true,
    // A bound against hanging: a busy machine takes its time.
    timeout: 300_000,
    args: [
      ...(webgpu
        ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']
        : ['--disable-features=WebGPU']),
      '--no-sandbox',
      // It ends a GPU process that does not answer for some seconds, as on a busy machine.
      '--disable-gpu-watchdog',
      '--no-first-run',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  };
}
