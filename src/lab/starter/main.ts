import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadTokenizer } from '../../content/data/tokenizer/tokenizer.ts';
import { withGpu } from '../../hosts/node/withGpu.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { withoutAdapter } from '../../engine/model/decoder/decoder.ts';
import { openDecoder } from '../../engine/model/weights/openDecoder.ts';
import { openModelFiles } from '../../engine/model/spec/openModel.ts';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import { examine } from './examine.ts';
import { pretrain } from './pretrain.ts';
import { sampleFiles } from './samples.ts';
import { exam } from './world/corpus.ts';

const words = process.argv.slice(2);
const [command] = words.filter((word) => !word.startsWith('--'));
/** Options `--name=value`, by name. */
const options = Object.fromEntries(
  words.filter((word) => word.startsWith('--')).map((word) => /^--([^=]*)=?(.*)$/s.exec(word)!.slice(1)),
);
const folder = options.model ?? 'public/starter';
/** All files of a starter model except the record of its training. */
const modelFiles = [
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
];

/** Trains the model from scratch, or resumes an interrupted run, and installs it where the page loads it from. */
async function makeModel(): Promise<void> {
  const work = options.work ?? 'e2e/output/starter';
  mkdirSync(work, { recursive: true });
  await pretrain({ work, steps: Number(options.steps ?? 5000), lr: Number(options.lr ?? 4e-3) });
  mkdirSync(folder, { recursive: true });
  for (const file of modelFiles) copyFileSync(join(work, 'model', file), join(folder, file));
}

/** Asks the model questions that training never contained. */
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
  console.error(
    `npm run starter -- ${Object.keys(commands).join('|')} [--model=DIR] [--work=DIR] [--steps=N] [--lr=X]`,
  );
  process.exit(1);
}
await chosen();
