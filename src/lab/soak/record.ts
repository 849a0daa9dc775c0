import { fileURLToPath } from 'node:url';
import { writeSection, type Markers } from '../../testing/docSection.ts';
import { table } from '../../testing/markdownTable.ts';
import type { Period } from './flatness.ts';

const document = fileURLToPath(new URL('../../../docs/reliability.md', import.meta.url));
const markers: Markers = ['<!-- soak: written by npm run soak -->', '<!-- /soak -->'];

/** Writes the figures of a soak into docs/reliability.md, in place of the earlier ones. */
export function recordSoak(periods: readonly Period[], deviations: Record<string, number>): void {
  const rows = periods.map((period, i) => [
    String(i + 1),
    period.minutes.toFixed(1),
    String(period.steps),
    period.stepMs.toFixed(0),
    period.processorMs.toFixed(0),
    period.pageMB.toFixed(0),
    period.gpuMB.toFixed(0),
  ]);
  const head = [
    'period',
    'minutes',
    'steps',
    'ms a step',
    'processor ms a step',
    'page MB',
    'GPU process MB',
  ];
  const far = Object.entries(deviations).map(([name, value]) => `${name} ${(100 * value).toFixed(1)}%`);
  const facts = `Largest deviations from the median: ${far.join(', ')}.`;
  writeSection(document, markers, `${table(head, rows)}\n\n${facts}`);
}
