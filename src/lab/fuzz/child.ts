import { openSync, writeSync } from 'node:fs';
import { fuzz, reduced } from './fuzz.ts';
import { targets } from './targets.ts';

/** Time for making a failing input shorter: it may be a slow one, and there may be several. */
const REDUCING_MS = 8000;

/** What a process is asked for. */
export interface FuzzJob {
  target: string;
  seed: number;
  from: number;
  count: number;
  seconds: number | undefined;
  /** A file for the index of the input being tried, eight bytes: it is right even if the process hangs or dies. */
  at: string;
}

/** What it found. */
export interface FuzzReport {
  tried: number;
  accepted: number;
  failures: { index: number; input: string; error: string }[];
}

process.once('message', (job: FuzzJob) => {
  void run(job).then((report) => process.send!(report));
});

async function run({ target: name, at, ...range }: FuzzJob): Promise<FuzzReport> {
  const target = targets.find((one) => one.name === name)!;
  const file = openSync(at, 'r+');
  const index = new BigInt64Array(1);
  const { tried, accepted, failures } = await fuzz(target, {
    ...range,
    onInput(next) {
      index[0] = BigInt(next);
      writeSync(file, index, 0, 8, 0);
    },
  });
  const report: FuzzReport = { tried, accepted, failures: [] };
  for (const failure of failures) {
    const { error } = failure;
    const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const input = Buffer.from(await reduced(target, failure, REDUCING_MS)).toString('base64');
    report.failures.push({ index: failure.index, input, error: shown });
  }
  return report;
}
