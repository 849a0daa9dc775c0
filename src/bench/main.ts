import { derivedBench } from './derived.ts';
import { memoryBench } from './memory.ts';
import { mergeBench } from './merge.ts';
import { writeSection } from './report.ts';
import { streamingBench } from './streaming.ts';
import { uploadBench } from './upload.ts';

/** Every benchmark: its text goes to docs/benchmarks.md. */
const sections: Record<string, () => Promise<string>> = {
  derived: derivedBench,
  memory: memoryBench,
  merge: mergeBench,
  streaming: streamingBench,
  upload: uploadBench,
};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(sections, name));
if (unknown !== undefined) {
  console.error(`There is no benchmark “${unknown}”. Choose among ${Object.keys(sections).join(', ')}.`);
  process.exit(1);
}
for (const [name, run] of Object.entries(sections)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const markdown = await run();
  writeSection(name, markdown);
  console.log(`${markdown}\n`);
}
process.exit(0);
