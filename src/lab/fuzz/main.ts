// npm run fuzz -- TARGET|all [--seed N] [--count N] [--from N] [--seconds N]: feeds parsers mutated inputs, in a process whose memory is
// limited and that is ended when an input takes too long.
import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { targets } from './targets.ts';
import type { FuzzJob, FuzzReport } from './child.ts';

/** Memory of its JavaScript, in MB: no input is larger than half of one. */
const HEAP_MB = 512;
/** An input that takes longer hangs; so may the search for a shorter one that fails, which is slow. */
const HANG_MS = 60_000;
const OUTPUT = 'e2e/output/fuzz';

const { names, ...range } = readArguments();
const { seed } = range;
const folder = mkdtempSync(join(tmpdir(), 'graft-fuzz-'));
let failed = false;
for (const name of names) {
  const started = performance.now();
  const report = await runTarget({ target: name, ...range });
  const seconds = (performance.now() - started) / 1000;
  const share = Math.round((100 * report.accepted) / Math.max(1, report.tried));
  console.log(
    `${name.padEnd(22)} ${String(report.tried).padStart(9)} inputs, ${share} % accepted, ${seconds.toFixed(0)} s, ${report.failures.length} failures`,
  );
  for (const { index, input, error } of report.failures) {
    failed = true;
    mkdirSync(OUTPUT, { recursive: true });
    const file = join(OUTPUT, `${name}-${seed}-${index}`);
    writeFileSync(file, Buffer.from(input, 'base64'));
    console.log(`  ${error.split('\n').slice(0, 6).join('\n  ')}`);
    console.log(`  ${file}; npm run fuzz -- ${name} --seed ${seed} --from ${index} --count 1`);
  }
}
rmSync(folder, { recursive: true });
process.exitCode = failed ? 1 : 0;

/** Runs a target in a process of its own. A hang, and memory that runs out, are failures of the input it was at. */
function runTarget(job: Omit<FuzzJob, 'at'>): Promise<FuzzReport> {
  const at = join(folder, job.target);
  const indexAt = (): number => Number(readFileSync(at).readBigInt64LE());
  const start = Buffer.alloc(8);
  start.writeBigInt64LE(BigInt(job.from));
  writeFileSync(at, start);
  const child = fork(fileURLToPath(new URL('./child.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx', `--max-old-space-size=${HEAP_MB}`],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return new Promise((resolve) => {
    let [seen, since] = [job.from, performance.now()];
    const end = (report: FuzzReport): void => {
      clearInterval(watch);
      // Its own end is no failure, and comes when the folder may be gone.
      child.removeAllListeners('exit');
      child.kill('SIGKILL');
      resolve(report);
    };
    const broken = (error: string): void => {
      const index = indexAt();
      end({ tried: index - job.from + 1, accepted: 0, failures: [{ index, input: '', error }] });
    };
    const watch = setInterval(() => {
      const now = indexAt();
      if (now !== seen) [seen, since] = [now, performance.now()];
      else if (performance.now() - since > HANG_MS) broken(`an input takes more than ${HANG_MS / 1000} s`);
    }, 1000);
    child.once('message', (report) => end(report as FuzzReport));
    child.once('exit', (code, signal) =>
      broken(`the process ended: ${signal ?? code}; perhaps out of memory`),
    );
    child.send({ ...job, at } satisfies FuzzJob);
  });
}

function readArguments() {
  const usage = `Usage: npm run fuzz -- TARGET|all [--seed N] [--count N] [--from N] [--seconds N]\nTargets: ${targets.map(({ name }) => name).join(' ')}`;
  try {
    const number = { type: 'string' } as const;
    const { values, positionals } = parseArgs({
      options: { seed: number, count: number, from: number, seconds: number },
      allowPositionals: true,
    });
    const whole = (text: string | undefined, otherwise: number): number => {
      const value = Number(text ?? otherwise);
      if (!Number.isSafeInteger(value) || value < 0)
        throw new Error(`“${text}” is not a whole number from 0.`);
      return value;
    };
    const known = targets.map(({ name }) => name);
    const unknown = positionals.find((name) => name !== 'all' && !known.includes(name));
    if (unknown !== undefined || positionals.length === 0)
      throw new Error(`No target ${unknown ?? 'given'}.`);
    return {
      names: positionals.includes('all') ? known : positionals,
      seed: whole(values.seed, 1),
      count: whole(values.count, 100_000),
      from: whole(values.from, 0),
      seconds: values.seconds === undefined ? undefined : whole(values.seconds, 0),
    };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}
