import { writeText } from '../../content/formats/text.ts';
import { outputFile } from '../../hosts/node/cli/outputFile.ts';
import { withGpu } from '../../hosts/node/withGpu.ts';
import { benchmarkDevice } from '../../engine/speed/benchmark.ts';
import type { DeviceBenchmark, KernelSpeed } from '../../engine/speed/deviceBenchmark.ts';
import { table } from '../../testing/markdownTable.ts';
import { megabytes } from './report.ts';

/**
 * The peak performance of this machine's adapter, and the fraction of it that each kernel reaches. Absolute figures go
 * to the terminal, fractions to the document.
 * @param options json: a new file for the result, as copied by the page; force: replaces that file; extent: quick
 */
export async function deviceBench({
  json,
  force,
  extent,
}: Readonly<Record<string, string>>): Promise<string> {
  const out = json ? outputFile(json, { force: force !== undefined, inputs: {} }) : null;
  const result = await withGpu((gpu) =>
    benchmarkDevice(gpu, {
      extent: extent === 'quick' ? 'quick' : 'full',
      environment: `Node ${process.version}`,
      signal: new AbortController().signal,
      onProgress: ({ phase, done, total }) => process.stderr.write(`\r\x1b[K${done}/${total} ${phase}`),
    }),
  );
  process.stderr.write('\r\x1b[K');
  if (out) await writeText(out.folder, out.file, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`${absoluteFigures(result)}\n`);
  return shares(result);
}

/** Escaped as Prettier does it, so that it does not start emphasis. */
const cell = (text: string) => text.replaceAll('_', '\\_');

function shares({ adapter, shapes, steps, kernels, ceilings }: DeviceBenchmark): string {
  const { copy, bufferCopy } = ceilings;
  return [
    '## Kernels relative to peak performance',
    '',
    `Time at peak performance as a share of the median time of each kernel, on ${adapter.description}: the peak`,
    'of multiply-adds in registers (compute) or of a copy in a kernel (memory), whichever limits a kernel first, measured in the',
    `same run. Shapes of ${shapes.map(({ name, tokens }) => `${name}, ${tokens} tokens`).join(', and of ')}; f32 activations; a product is rows × columns × depth. Small data stays`,
    `in caches and can exceed the copy. copyBufferToBuffer copies ${(bufferCopy.bytesPerSecond / copy.bytesPerSecond).toFixed(1)} times as fast as the kernel that copies.`,
    '',
    table(
      ['kernel', 'shape', 'weights', 'variant', 'bound by', 'share'],
      kernels.map((one) => [
        cell(one.kernel),
        one.shape,
        one.format ?? '',
        one.tuned ? `${one.variant} (tuned)` : (one.variant ?? ''),
        one.bound,
        one.shareOfCeiling.toFixed(2),
      ]),
    ),
    '',
    'Training steps, counted:',
    '',
    table(
      ['decoder', 'method', 'tokens', 'dispatches', 'GPU memory'],
      steps.map(({ layers, hidden, method, rank, tokens, dispatches, peakBytes }) => [
        `${layers} layers of width ${hidden}`,
        `${method}, rank ${rank}`,
        `${tokens}`,
        `${dispatches}`,
        megabytes(peakBytes),
      ]),
    ),
  ].join('\n');
}

function absoluteFigures({ adapter, ceilings, steps, kernels, submitSeconds }: DeviceBenchmark): string {
  const giga = (value: number | null) => (value === null ? '' : (value / 1e9).toFixed(2));
  const ms = (seconds: number) => (seconds * 1e3).toFixed(3);
  const { multiplyAdd, copy, bufferCopy } = ceilings;
  const row = (one: KernelSpeed) => [
    one.kernel,
    one.shape,
    one.format ?? '',
    ms(one.seconds),
    ms(one.best),
    `${one.samples}`,
    giga(one.flopsPerSecond),
    giga(one.bytesPerSecond),
    one.shareOfCeiling.toFixed(2),
  ];
  return [
    adapter.description,
    `multiply-adds ${giga(multiplyAdd.flopsPerSecond)} GFLOP/s (${multiplyAdd.variant}), copy ${giga(copy.bytesPerSecond)} GB/s, ` +
      `by command ${giga(bufferCopy.bytesPerSecond)} GB/s, an empty submit ${ms(submitSeconds)} ms`,
    '',
    ...steps.map(
      (step) =>
        `${step.name}, ${step.tokens} tokens: ${ms(step.seconds)} ms (best ${ms(step.best)}), ` +
        `${step.tokensPerSecond.toFixed(0)} tokens/s, ${step.dispatches} dispatches, ${megabytes(step.peakBytes)}, ` +
        `first step after ${step.secondsToFirstStep.toFixed(2)} s`,
    ),
    '',
    table(['kernel', 'shape', 'weights', 'ms', 'best', 'n', 'GFLOP/s', 'GB/s', 'share'], kernels.map(row)),
  ].join('\n');
}
