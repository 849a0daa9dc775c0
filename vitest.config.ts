import { playwright } from '@vitest/browser-playwright';
import { configDefaults, defineConfig } from 'vitest/config';
import { wgslPlugin } from './src/launch/wgslPlugin.ts';
import { chromiumLaunchOptions } from './src/launch/chromiumOptions.ts';

const gpuTests = 'src/**/*.gpu.test.ts';
/**
 * Those that run in Chromium as well: kernels, and the layers built on them, since its adapter takes others than Node's.
 * What trains and merges is in its page's tests.
 */
const chromiumTests = ['gpu', 'kernels', 'model/decoder'].map(
  (folder) => `src/engine/${folder}/**/*.gpu.test.ts`,
);
/** Needs a GPU and Node's files. */
const dawnTests = 'src/**/*.dawn.test.ts';
const cliTests = 'src/hosts/node/cli/**/*.test.ts';
/** Unit tests that take over 10 s each: they wait for deadlines, or plan and parse what is large. */
const slowTests = [
  'src/content/guard/*.test.ts',
  'src/content/rewards/scoringGuard.test.ts',
  'src/content/hub/download.test.ts',
  'src/content/data/files/{charset,parse,jsonDocument}.test.ts',
  'src/engine/train/{memoryPlan,streamingPlan,largeModels}.test.ts',
  'src/lab/fuzz/*.test.ts',
];
/** Starts browsers. */
const browserTests = 'src/**/*.browser.test.ts';

/** One process, one file after another, one module graph: the files share one GPU device. */
const oneProcess = { pool: 'forks', maxWorkers: 1, isolate: false, fileParallelism: false } as const;

export default defineConfig({
  plugins: [wgslPlugin()],
  test: {
    // Bounds of time are against hanging alone: beside other work a test takes many times what it takes by itself.
    expect: { poll: { timeout: 60_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          environment: 'node',
          include: ['src/**/*.test.{ts,tsx}'],
          exclude: [...configDefaults.exclude, gpuTests, dawnTests, cliTests, browserTests, ...slowTests],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          environment: 'node',
          include: slowTests,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'gpu',
          environment: 'node',
          include: [gpuTests, dawnTests],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          ...oneProcess,
        },
      },
      {
        extends: true,
        optimizeDeps: { exclude: ['webgpu'] },
        test: {
          name: 'chromium',
          include: [...chromiumTests, 'src/testing/gpu.gpu.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
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
          testTimeout: 900_000,
          hookTimeout: 900_000,
          ...oneProcess,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          environment: 'node',
          include: [browserTests],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          ...oneProcess,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          environment: 'node',
          include: ['e2e/**/*.e2e.ts'],
          globalSetup: ['src/testing/browsers/server.ts'],
          testTimeout: 1_800_000,
          hookTimeout: 600_000,
          expect: { poll: { timeout: 300_000 } },
          ...oneProcess,
        },
      },
    ],
  },
});
