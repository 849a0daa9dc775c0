// A reporter for vitest: writes how many tests passed, failed and were skipped, which failed, why, in which files, and how long
// each file took, for npm test.
import { writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

export default class CountReporter {
  /**
   * Writes `{ passed, failed, skipped, reasons, failures, files, times }` as JSON to the file named by GRAFT_TEST_COUNTS;
   * `times` are pairs of a file and its seconds.
   */
  onTestRunEnd(modules, unhandled) {
    const failures = unhandled.map((error) => `outside any test: ${error.message}`);
    const counts = { passed: 0, failed: 0, skipped: 0, reasons: [], failures, files: [], times: [] };
    for (const module of modules) {
      const before = counts.failed;
      const { collectDuration, setupDuration, duration } = module.diagnostic();
      counts.times.push([module.relativeModuleId, (collectDuration + setupDuration + duration) / 1000]);
      for (const test of module.children.allTests()) {
        const { state, note, errors = [] } = test.result();
        if (state === 'skipped') counts.reasons.push(note ?? 'no reason given, or not asked for');
        if (state === 'failed')
          failures.push(failure(`${module.relativeModuleId} > ${test.fullName}`, errors));
        counts[state]++;
      }
      // A file that failed before its tests ran counts as one failure.
      if (module.state() === 'failed' && counts.failed === before) {
        failures.push(failure(module.relativeModuleId, module.errors()));
        counts.failed++;
      }
      if (counts.failed > before) counts.files.push(module.relativeModuleId);
    }
    // What failed outside any test does so in no file that could be run again.
    if (unhandled.length > 0) counts.files = [];
    writeFileSync(process.env.GRAFT_TEST_COUNTS, JSON.stringify(counts));
  }
}

/** What failed, and the start of what each of its errors says, and of the lines in which values differ. */
function failure(name, errors) {
  const said = errors.flatMap(({ message, diff }) => [message, ...differing(diff)]);
  return [name, ...said.map((text) => `  ${text.slice(0, 600).replaceAll('\n', '\n  ')}`)].join('\n');
}

function differing(diff = '') {
  return stripVTControlCharacters(diff)
    .split('\n')
    .filter((line) => /^[-+] +\S/.test(line))
    .slice(0, 12);
}
