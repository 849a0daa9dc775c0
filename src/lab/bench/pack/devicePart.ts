import { benchmarkDevice } from '../../../engine/speed/benchmark.ts';
import { openDevice } from './openDevice.ts';
import type { PartReport } from './partReport.ts';
import type { PartQuestion } from './parts.ts';
import { environmentText } from './environment.ts';

/** What *Benchmark this device* measures in the page. */
export async function measureThisDevice({ extent }: PartQuestion, report: PartReport): Promise<void> {
  const gpu = await openDevice();
  await benchmarkDevice(gpu, {
    extent,
    environment: environmentText(),
    seconds: report.left,
    signal: new AbortController().signal,
    onProgress: ({ phase }) => report.begin(phase),
    onMeasured(result) {
      // Those of other parts stay out.
      const { tests: _tests, peers: _peers, candidates: _candidates, problems: _problems, ...own } = result;
      Object.assign(report.result, own);
    },
  });
  gpu.destroy();
}
