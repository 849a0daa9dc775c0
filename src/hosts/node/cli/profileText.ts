import { clockStep, kernelTime, kernelTotals, type Profile } from '../../../base/lib/profile.ts';

/** A profile as a table for a terminal, kernels that took longest first. */
export function profileText(profile: Profile): string {
  const rows = kernelTotals(profile).map(({ kernel, calls, ms, share, gflops, gigabytes }) => [
    kernel,
    `${calls}`,
    ms.toFixed(2),
    `${(100 * share).toFixed(1)}%`,
    gflops === null ? '' : gflops.toFixed(1),
    gigabytes === null ? '' : gigabytes.toFixed(1),
  ]);
  const table = [['kernel', 'calls', 'ms', 'share', 'GFLOP/s', 'GB/s'], ...rows];
  const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  const lines = table.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[i]!))).join('  '),
  );
  const kernels = kernelTime(profile);
  const step = clockStep(profile);
  return [
    ...lines,
    '',
    `One step on ${profile.adapter}: ${profile.dispatches.length} dispatches, ${kernels.toFixed(1)} ms in kernels,`,
    `${profile.ms.toFixed(1)} ms from first to last. Bytes count every tensor bound to a kernel in full.`,
    // What is not a multiple of a microsecond is no rounding.
    ...(step >= 0.001 ? [`Timestamps are rounded to ${step.toFixed(3)} ms.`] : []),
  ].join('\n');
}
