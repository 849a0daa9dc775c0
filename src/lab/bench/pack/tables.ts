import type { DeviceBenchmark, PeerSpeed } from '../../../engine/speed/deviceBenchmark.ts';
import { table } from '../../../testing/markdownTable.ts';
import { megabytes } from '../report.ts';

const giga = (value: number | null) => (value === null ? '' : (value / 1e9).toFixed(value < 1e11 ? 2 : 0));
const ms = (seconds: number) => (seconds * 1e3).toFixed(3);

const KINDS = { gpu: 'GPUs', vectors: 'vectors of processors', software: 'processors' } as const;

/** A result as tables of text. */
export function tables(result: Partial<DeviceBenchmark>): string {
  const parts = [
    head(result),
    tests(result),
    steps(result),
    answers(result),
    kernels(result),
    peers(result.peers ?? []),
    candidates(result),
    list('Left out (each by name in result.json)', grouped(result.skipped)),
    list('What went wrong', result.problems),
  ];
  return parts.filter(Boolean).join('\n\n');
}

function head({
  adapter,
  environment,
  ceilings,
  submitSeconds,
  transfers,
}: Partial<DeviceBenchmark>): string {
  if (!adapter || !ceilings) return 'The device could not be measured.';
  const { multiplyAdd, copy, bufferCopy } = ceilings;
  const subgroups = adapter.subgroupSizes
    ? `subgroups of ${adapter.subgroupSizes.join(' to ')}`
    : 'no subgroups';
  return [
    adapter.description,
    environment,
    `${adapter.hasF16 ? 'f16' : 'no f16'}, ${subgroups}, bindings up to ${megabytes(adapter.maxBindingBytes)}, kernels for ${KINDS[adapter.kernelKind]}`,
    `multiply-adds ${giga(multiplyAdd.flopsPerSecond)} GFLOP/s (${multiplyAdd.variant}), copy ${giga(copy.bytesPerSecond)} GB/s, by command ${giga(bufferCopy.bytesPerSecond)} GB/s, an empty submit ${ms(submitSeconds ?? 0)} ms`,
    ...(transfers
      ? [
          `uploads ${giga(transfers.ring)} GB/s, buffer writes ${giga(transfers.write)} GB/s, downloads ${giga(transfers.read)} GB/s`,
        ]
      : []),
  ].join('\n');
}

function tests({ tests: of }: Partial<DeviceBenchmark>): string {
  if (!of) return '';
  const failed = of.failed.map(({ test, message }) => `FAIL ${test}: ${message}`);
  const counts = `Tests: ${of.passed} passed, ${of.failed.length} failed, ${of.skipped.length} need what this device lacks`;
  return [counts, ...failed, ...of.notes].join('\n');
}

function steps({ steps: of = [] }: Partial<DeviceBenchmark>): string {
  if (of.length === 0) return '';
  return table(
    ['step', 'method', 'tokens', 'ms', 'best', 'tokens/s', 'dispatches', 'memory', 'first step, s'],
    of.map((step) => [
      step.name,
      step.method,
      `${step.tokens}`,
      ms(step.seconds),
      ms(step.best),
      step.tokensPerSecond.toFixed(0),
      step.dispatches.toFixed(0),
      megabytes(step.peakBytes),
      step.secondsToFirstStep.toFixed(2),
    ]),
  );
}

function answers({ decoding = [] }: Partial<DeviceBenchmark>): string {
  if (decoding.length === 0) return '';
  return table(
    ['answer of', 'weights', 'prompt', 'until the first token, ms', 'tokens/s'],
    decoding.map(({ name, weights, promptTokens, promptSeconds, tokensPerSecond }) => [
      name,
      weights,
      `${promptTokens}`,
      ms(promptSeconds),
      tokensPerSecond.toFixed(1),
    ]),
  );
}

function kernels({ kernels: of = [] }: Partial<DeviceBenchmark>): string {
  if (of.length === 0) return '';
  return table(
    ['kernel', 'shape', 'weights', 'of', 'variant', 'ms', 'best', 'GFLOP/s', 'GB/s', 'bound by', 'share'],
    of.map((one) => [
      one.kernel,
      one.shape,
      one.format ?? '',
      one.of,
      one.variant ?? '',
      ms(one.seconds),
      ms(one.best),
      giga(one.flopsPerSecond),
      giga(one.bytesPerSecond),
      one.bound,
      one.shareOfCeiling.toFixed(2),
    ]),
  );
}

function peers(of: readonly PeerSpeed[]): string {
  if (of.length === 0) return '';
  return table(
    ['with other libraries', 'name', 'ms', 'best'],
    of.map(({ of: what, name, median, min }) => [what, name, median.toFixed(3), min.toFixed(3)]),
  );
}

function candidates({ candidates: of }: Partial<DeviceBenchmark>): string {
  if (!of || of.length === 0) return '';
  return table(
    ['product', 'kernel', 'ms', 'equal', 'default'],
    of.map(({ product, variant, seconds, equal, default: usual }) => [
      product,
      variant,
      ms(seconds),
      equal ? 'yes' : 'NO',
      usual ? 'default' : '',
    ]),
  );
}

/** Tests of a file as one line. */
function grouped(names: readonly string[] = []): string[] {
  const counts = new Map<string, number>();
  for (const name of names) {
    const [file, ...rest] = name.split(' › ');
    const group = rest.length > 0 ? `tests of ${file}` : name;
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => (count > 1 ? `${count} ${name}` : name));
}

function list(title: string, of: readonly string[] | undefined): string {
  return of && of.length > 0 ? [`${title}:`, ...of.map((one) => `- ${one}`)].join('\n') : '';
}
