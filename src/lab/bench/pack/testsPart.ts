import { startTests, type Test, type VitestRunner } from '@vitest/runner';
import type { TestResults } from '../../../engine/speed/deviceBenchmark.ts';
import type { PartReport } from './partReport.ts';

/** Test files by their paths. */
type Files = Record<string, () => Promise<unknown>>;

const files = {
  kernels: import.meta.glob('../../../engine/{kernels,gpu}/*.gpu.test.ts'),
  golden: import.meta.glob('../../../engine/train/golden*.dawn.test.ts'),
  engine: import.meta.glob('../../../engine/{infer,merge,model,train}/**/*.gpu.test.ts'),
} satisfies Record<string, Files>;

const NONE = { shuffle: false, concurrent: false, seed: 0, hooks: 'stack', setupFiles: 'list' } as const;

/** Milliseconds of a test: against hanging alone. */
const TIMEOUT = 120_000;

/** Runs test files as they are, until the time is up; the tests after that are left out by name. */
export async function runTests(which: keyof typeof files, report: PartReport): Promise<void> {
  const results: TestResults = { passed: 0, failed: [], skipped: [], notes: [] };
  report.result.tests = results;
  // Golden runs say here how large their errors are.
  console.info = (text: string) => void results.notes.push(text);
  const late = new Set<Test>();
  const found: Files = files[which];
  const runner: VitestRunner = {
    config: {
      root: '/',
      setupFiles: [],
      name: undefined,
      passWithNoTests: false,
      testNamePattern: undefined,
      allowOnly: true,
      sequence: NONE,
      chaiConfig: undefined,
      maxConcurrency: 1,
      testTimeout: TIMEOUT,
      hookTimeout: TIMEOUT,
      retry: 0,
      includeTaskLocation: false,
      tags: [],
      tagsFilter: undefined,
      strictTags: false,
    },
    importFile: (path) => found[path]!(),
    onBeforeRunTask(test) {
      report.begin(nameOf(test));
      if (report.left > 0) return;
      test.mode = 'skip';
      late.add(test);
      report.skip(nameOf(test));
    },
    onAfterRunTask(test) {
      count(results, test);
    },
  };
  const all = await startTests(Object.keys(found), runner);
  for (const { filepath, result } of all) {
    for (const error of result?.errors ?? [])
      results.failed.push({ test: filepath, message: firstLine(error) });
  }
  for (const test of testsOf(all))
    if (test.mode === 'skip' && !late.has(test)) results.skipped.push(nameOf(test));
}

function count(results: TestResults, test: Test): void {
  const { result } = test;
  if (result?.state === 'pass') results.passed += 1;
  else if (result?.state === 'fail') {
    const [error] = result.errors ?? [];
    results.failed.push({ test: nameOf(test), message: error ? firstLine(error) : 'no reason given' });
  } else results.skipped.push([nameOf(test), noteOf(result)].filter(Boolean).join(': '));
}

/** What a test says that skips itself. */
function noteOf(result: Test['result']): string | undefined {
  return result && 'note' in result ? String(result.note) : undefined;
}

function firstLine({ message }: { message: string }): string {
  return message.split('\n')[0]!.slice(0, 500);
}

/** The name with those of the suites and the file that it is in. */
function nameOf(test: Test): string {
  const names = [test.name];
  for (let suite = test.suite; suite; suite = suite.suite) names.unshift(suite.name);
  return [test.file.name.replace(/^.*engine\//, ''), ...names].join(' › ');
}

function testsOf(tasks: readonly Pick<Test, never>[]): Test[] {
  return (tasks as readonly (Test | { type: 'suite'; tasks: Test[] })[]).flatMap((task) =>
    task.type === 'test' ? [task] : testsOf(task.tasks),
  );
}
