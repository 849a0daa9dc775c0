import { closeDawn } from '../../../hosts/node/dawn.ts';
import { measureCandidates } from './candidatesPart.ts';
import { measureThisDevice } from './devicePart.ts';
import { PartReport } from './partReport.ts';
import type { PartName, PartQuestion } from './parts.ts';
import { measurePeers } from './peersPart.ts';
import { runTests } from './testsPart.ts';

type Run = (question: PartQuestion, report: PartReport) => Promise<void>;

const runs: Record<PartName, Run> = {
  'kernel-tests': (_, report) => runTests('kernels', report),
  golden: (_, report) => runTests('golden', report),
  'engine-tests': (_, report) => runTests('engine', report),
  device: measureThisDevice,
  peers: measurePeers,
  candidates: measureCandidates,
};

// Runs one part of the bench; the question is its only argument.
const question = JSON.parse(process.argv[2]!) as PartQuestion;
const report = new PartReport(question);
try {
  await runs[question.name](question, report);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  report.write();
  closeDawn();
}
process.exit();
