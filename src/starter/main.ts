import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadTokenizer } from '../data/tokenizer.ts';
import { withGpu } from '../cli/session.ts';
import { GraftError } from '../lib/errors.ts';
import { withoutAdapter } from '../model/decoder.ts';
import { openDecoder } from '../model/openDecoder.ts';
import { openModelFiles } from '../model/openModel.ts';
import { nodeFolder } from '../storage/nodeFolder.ts';
import { examine } from './examine.ts';
import { pretrain, starterRecipe } from './pretrain.ts';
import { sampleFiles } from './samples.ts';
import { exam } from './world/corpus.ts';

const words = process.argv.slice(2);
const [command] = words.filter((word) => !word.startsWith('--'));
/** `--name=value` by name. */
const options = Object.fromEntries(
  words.filter((word) => word.startsWith('--')).map((word) => /^--([^=]*)=?(.*)$/s.exec(word)!.slice(1)),
);
const folder = options.model ?? 'public/starter';
const steps = Number(options.steps ?? 1500);
const lr = Number(options.lr ?? 3e-3);

/** Trains the model from nothing and writes it, with a line a step of losses. */
async function makeModel(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const log = join(folder, 'losses.jsonl');
  writeFileSync(log, '');
  const start = Date.now();
  await withGpu((gpu) =>
    pretrain(gpu, {
      recipe: starterRecipe(steps, lr),
      folder: nodeFolder(folder),
      saveSteps: Number(options.save ?? 250),
      onStep: ({ step, loss, lr: now, gradNorm, contextTokens }) => {
        const numbers = { step, loss: round(loss), lr: round(now), grad_norm: round(gradNorm) };
        appendFileSync(log, `${JSON.stringify(numbers)}\n`);
        if (step % 10 === 0) {
          const seconds = Math.round((Date.now() - start) / 1000);
          console.log(`step ${step}  loss ${loss.toFixed(3)}  ${contextTokens} tokens  ${seconds} s`);
        }
      },
    }),
  );
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** Asks the model what training never asked. */
async function takeExam(): Promise<void> {
  const files = await openModelFiles(nodeFolder(folder));
  const tokenizer = await loadTokenizer(files.folder);
  if (!tokenizer) throw new GraftError('infer.no_tokenizer');
  await withGpu(async (gpu) => {
    const decoder = await openDecoder(gpu, files, 'f32');
    const marks = await examine(decoder, withoutAdapter, tokenizer, exam(1, Number(options.questions ?? 12)));
    for (const { part, right, asked, wrong } of marks) {
      console.log(`${right}/${asked}  ${part}`);
      for (const { prompt, said } of wrong) console.log(`        ${prompt} → ${said}`);
    }
    const sum = (key: 'right' | 'asked') => marks.reduce((total, mark) => total + mark[key], 0);
    console.log(`${sum('right')}/${sum('asked')}  in all`);
  });
}

function writeSamples(): void {
  for (const [name, text] of Object.entries(sampleFiles())) writeFileSync(join('public/samples', name), text);
}

const commands: Record<string, () => Promise<void> | void> = {
  train: makeModel,
  exam: takeExam,
  samples: writeSamples,
};
const chosen = commands[command ?? ''];
if (!chosen) {
  console.error(`npm run starter -- ${Object.keys(commands).join('|')} [--model=DIR] [--steps=N]`);
  process.exit(1);
}
await chosen();
