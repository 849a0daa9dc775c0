// npm run kills -- [--seed N] [--count N] [--browser chromium|firefox] [--kind NAME,…] [--record]
// Kills tabs and browsers in the middle of work, and checks what is there afterwards. --record adds the figures to
// docs/reliability.md.
import { parseArgs } from 'node:util';
import type { BrowserName } from '../../testing/browsers/studio.ts';
import { kinds } from '../../testing/kills/kinds.ts';
import { recordKills } from './record.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '100' },
    browser: { type: 'string', default: 'chromium' },
    kind: { type: 'string', default: Object.keys(kinds).join(',') },
    record: { type: 'boolean', default: false },
  },
});
const [seed, count] = [Number(values.seed), Number(values.count)];
const browser = values.browser as BrowserName;
const chosen = values.kind.split(',');
const unknown = chosen.find((name) => !Object.hasOwn(kinds, name));
if (unknown !== undefined)
  fail(`There is nothing named “${unknown}” to kill: ${Object.keys(kinds).join(', ')}`);
if (!(Number.isInteger(seed) && Number.isInteger(count) && count > 0))
  fail('--seed and --count are whole numbers.');
if (browser !== 'chromium' && browser !== 'firefox') fail('--browser is chromium or firefox.');

const shares = chosen.reduce((sum, name) => sum + kinds[name]!.share, 0);
for (const name of chosen) {
  const { share, kill } = kinds[name]!;
  const start = performance.now();
  const figures = await kill({ browser, seed, count: Math.max(1, Math.round((count * share) / shares)) });
  const minutes = (performance.now() - start) / 60_000;
  console.log(JSON.stringify({ browser, seed, kind: name, ...figures, minutes: Number(minutes.toFixed(1)) }));
  if (values.record) recordKills({ browser, seed, kind: name, ...figures });
}
process.exit(0);

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
