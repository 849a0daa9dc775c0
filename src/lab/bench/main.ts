import { batchingBench } from './batching.ts';
import { derivedBench } from './derived.ts';
import { deviceBench } from './device.ts';
import { gemmaBench } from './gemma.ts';
import { isaBench } from './isa/isaBench.ts';
import { memoryBench } from './memory.ts';
import { lrRangeBench } from './lrRange.ts';
import { mergeBench } from './merge.ts';
import { packBench } from './pack/packBench.ts';
import { pageBench } from './page.ts';
import { peersBench, peersInChromiumBench } from './peers/peersBench.ts';
import { stepBench } from './peers/stepBench.ts';
import { writeSection } from './report.ts';
import { scalingBench } from './scaling.ts';
import { streamingBench } from './streaming.ts';
import { submissionBench } from './submission.ts';
import { uploadBench } from './upload.ts';

/** All benchmarks: their text goes to docs/benchmarks.md, unless options restrict them. */
const sections: Record<string, (options: Readonly<Record<string, string>>) => Promise<string>> = {
  batching: batchingBench,
  derived: derivedBench,
  device: deviceBench,
  gemma: gemmaBench,
  isa: isaBench,
  memory: memoryBench,
  'lr-range': lrRangeBench,
  merge: mergeBench,
  page: pageBench,
  peers: peersBench,
  'peers-chromium': peersInChromiumBench,
  'peers-step': stepBench,
  scaling: scalingBench,
  streaming: streamingBench,
  submission: submissionBench,
  upload: uploadBench,
};

/** What writes something else than the document, when it is asked for by name. */
const programs: Record<string, (options: Readonly<Record<string, string>>) => Promise<void>> = {
  pack: packBench,
};

const words = process.argv.slice(2);
const asked = words.filter((word) => !word.startsWith('--'));
/** Options `--name=value`, by name. */
const options = Object.fromEntries(
  words.filter((word) => word.startsWith('--')).map((word) => /^--([^=]*)=?(.*)$/s.exec(word)!.slice(1)),
);
const known = { ...sections, ...programs };
const unknown = asked.find((name) => !Object.hasOwn(known, name));
if (unknown !== undefined) {
  console.error(`There is no benchmark “${unknown}”. Choose among ${Object.keys(known).join(', ')}.`);
  process.exit(1);
}
for (const name of asked) await programs[name]?.(options);
for (const [name, run] of Object.entries(sections)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const markdown = await run(options);
  if (Object.keys(options).length > 0) continue;
  writeSection(name, markdown);
  console.log(`${markdown}\n`);
}
process.exit(0);
