// npm run soak -- [--minutes N] [--reload N] [--record]
// Trains the starter model in a page for a long time, reloads the page now and then, and fails unless memory and the
// time of a step stay flat. --record writes the figures into docs/reliability.md.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { serveBuiltStudio } from '../../testing/browsers/builtStudio.ts';
import { openChromium, type ChromiumStudio } from '../../testing/browsers/chromium.ts';
import { dropData, train } from '../../testing/browsers/job.ts';
import { poll, WAIT } from '../../testing/browsers/studio.ts';
import { robotStories } from '../../testing/fixtures.ts';
import { deviation, FLAT, periodsOf, type Period, type Sample } from './flatness.ts';
import { ProcessMeter } from './processes.ts';
import { recordSoak } from './record.ts';

/** Longer than any soak, in steps small enough that thousands are trained. */
const recipe = {
  rank: 8,
  lr: 1e-3,
  max_steps: 1_000_000,
  batch_size: 2,
  max_length: 128,
  checkpoint_steps: 50,
  eval_fraction: 0,
};
/** Time after a start or a reload that belongs to opening, and time between two samples; in minutes. */
const [SETTLING, BETWEEN] = [1, 0.25];

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '90' },
    reload: { type: 'string', default: '10' },
    record: { type: 'boolean', default: false },
  },
});
const [minutes, reload] = [Number(values.minutes), Number(values.reload)];
if (!(minutes > 0 && reload > SETTLING))
  throw new Error(`--minutes is over 0, and --reload over ${SETTLING}`);

const periods = periodsOf(await soak());
console.log(JSON.stringify(periods, null, 1));
const deviations = deviationsOf(periods);
console.log(deviations);
if (values.record) recordSoak(periods, deviations);
const flat = Object.values(deviations).every((value) => value <= FLAT);
console.log(flat ? 'flat' : `not flat: more than ${FLAT * 100}% from the median`);
process.exit(flat ? 0 : 1);

/** How far any period is from the median, of what must be flat. */
function deviationsOf(all: readonly Period[]) {
  return {
    page: deviation(all.map(({ pageMB }) => pageMB)),
    gpu: deviation(all.map(({ gpuMB }) => gpuMB)),
    processor: deviation(all.map(({ processorMs }) => processorMs)),
  };
}

async function soak(): Promise<Sample[]> {
  const built = await serveBuiltStudio();
  const folder = await mkdtemp(join(tmpdir(), 'graft-soak-'));
  const studio = await openChromium(built.url);
  try {
    await begin(studio, folder);
    return await watch(studio);
  } finally {
    await studio.close();
    await built.close();
    await rm(folder, { recursive: true });
  }
}

async function begin(studio: ChromiumStudio, folder: string): Promise<void> {
  const path = join(folder, 'recipe.json');
  await writeFile(path, JSON.stringify(recipe));
  await studio.open('#model');
  await studio.waitForText('WebGPU is ready');
  await studio.view('Model');
  await studio.click({ role: 'button', name: 'Use it' });
  await studio.waitForText('Vocabulary');
  await dropData(studio, robotStories);
  await studio.waitForText('What the model sees');
  await studio.setFiles('input[accept=".json,application/json"]', [path]);
  await studio.waitForText(/Rank 8,/);
  await train(studio);
}

/** Samples until the time is over; reloads the page and resumes its run at the end of each period. */
async function watch(studio: ChromiumStudio): Promise<Sample[]> {
  const start = Date.now();
  const minute = () => (Date.now() - start) / 60_000;
  const meter = new ProcessMeter();
  const samples: Sample[] = [];
  let before = 0;
  let trained = 0;
  for (let period = 0; minute() < minutes; period++) {
    if (period > 0) {
      await studio.reload();
      await studio.view('Train');
      await studio.click({
        role: 'button',
        name: `Resume LoRA r8 1e-3, ${basename(robotStories, '.jsonl')}`,
      });
      console.log(`minute ${minute().toFixed(1)}: reloaded and resumed`);
      before = await stepOf(studio);
    }
    const [from, end] = [minute(), Math.min(minutes, minute() + reload)];
    while (minute() < end) {
      await new Promise((resolve) => setTimeout(resolve, BETWEEN * 60_000));
      const step = await stepOf(studio);
      trained += Math.max(0, step - before);
      before = step;
      if (minute() < from + SETTLING) continue;
      await studio.releaseMemory();
      const { renderer, 'gpu-process': gpu } = meter.measure();
      samples.push({
        minute: minute(),
        period,
        steps: trained,
        pageBytes: renderer.bytes,
        gpuBytes: gpu.bytes,
        gpuSeconds: gpu.seconds,
      });
    }
    console.log(JSON.stringify(periodsOf(samples).at(-1)));
  }
  return samples;
}

/** The step that the page shows, once it shows one. */
function stepOf(studio: ChromiumStudio): Promise<number> {
  return poll(
    async () => Number(/Step\s+([\d,]+)\s+of/.exec(await studio.text())?.[1]?.replaceAll(',', '') ?? 0),
    WAIT,
    () => studio.text(),
  );
}
