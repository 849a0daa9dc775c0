import { playwright } from '@vitest/browser-playwright';
import { configDefaults, defineConfig } from 'vitest/config';
import { wgslPlugin } from './src/launch/wgslPlugin.ts';
import { chromiumLaunchOptions } from './e2e/harness/chromiumOptions.ts';

const gpuTests = 'src/**/*.gpu.test.ts';
/** Needs a GPU and Node's files. */
const dawnTests = 'src/**/*.dawn.test.ts';
const cliTests = 'src/cli/**/*.test.ts';

/** One process, one file after another, one module graph: the files share one GPU device. */
const oneProcess = { pool: 'forks', maxWorkers: 1, isolate: false, fileParallelism: false } as const;

export default defineConfig({
  plugins: [wgslPlugin()],
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          environment: 'node',
          include: ['src/**/*.test.{ts,tsx}'],
          exclude: [...configDefaults.exclude, gpuTests, dawnTests, cliTests],
          // A bound against hanging: beside other work a test takes many times what it takes alone.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'gpu',
          environment: 'node',
          include: [gpuTests, dawnTests],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          ...oneProcess,
        },
      },
      {
        extends: true,
        optimizeDeps: { exclude: ['webgpu'] },
        test: {
          name: 'chromium',
          include: [gpuTests],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          isolate: false,
          fileParallelism: false,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: chromiumLaunchOptions() }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      {
        extends: true,
        test: {
          name: 'cli',
          environment: 'node',
          include: [cliTests],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          ...oneProcess,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          environment: 'node',
          include: ['e2e/**/*.e2e.ts'],
          globalSetup: ['e2e/harness/server.ts'],
          testTimeout: 600_000,
          hookTimeout: 180_000,
          ...oneProcess,
        },
      },
    ],
  },
});
