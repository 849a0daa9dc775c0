import { derivedBench } from './derived.ts';
import { deviceBench } from './device.ts';
import { memoryBench } from './memory.ts';
import { mergeBench } from './merge.ts';
import { pageBench } from './page.ts';
import { peersBench, peersInChromiumBench } from './peers/peersBench.ts';
import { stepBench } from './peers/stepBench.ts';
import { writeSection } from './report.ts';
import { scalingBench } from './scaling.ts';
import { streamingBench } from './streaming.ts';
import { submissionBench } from './submission.ts';
import { uploadBench } from './upload.ts';

/** Every benchmark: its text goes to docs/benchmarks.md, unless options narrow it down. */
const sections: Record<string, (options: Readonly<Record<string, string>>) => Promise<string>> = {
  derived: derivedBench,
  device: deviceBench,
  memory: memoryBench,
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

const words = process.argv.slice(2);
const asked = words.filter((word) => !word.startsWith('--'));
/** `--name=value` by name. */
const options = Object.fromEntries(
  words.filter((word) => word.startsWith('--')).map((word) => /^--([^=]*)=?(.*)$/s.exec(word)!.slice(1)),
);
const unknown = asked.find((name) => !Object.hasOwn(sections, name));
if (unknown !== undefined) {
  console.error(`There is no benchmark “${unknown}”. Choose among ${Object.keys(sections).join(', ')}.`);
  process.exit(1);
}
for (const [name, run] of Object.entries(sections)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const markdown = await run(options);
  if (Object.keys(options).length > 0) continue;
  writeSection(name, markdown);
  console.log(`${markdown}\n`);
}
process.exit(0);
