import { withGpu } from '../../../hosts/node/withGpu.ts';
import { table } from '../../../testing/markdownTable.ts';
import { openPeersPage } from './chromiumPage.ts';
import { installPeers } from './install.ts';
import { importJax, importTfjs } from './nodePeers.ts';
import { listOf, oneOf } from './options.ts';
import { measureTraining, trainerNames, type TrainingResult } from './training.ts';
import { TOKENS } from './trainingCase.ts';

const ROUNDS = { node: 7, chromium: 3 };

/**
 * A training step compared with those of the peers, in Node and in Chromium. Options restrict it: `--in=node`,
 * `--peers=jax-js`, `--rounds=3`.
 */
export async function stepBench(options: Readonly<Record<string, string>> = {}): Promise<string> {
  installPeers();
  const names = listOf(options.peers, trainerNames, (name) => oneOf(name, trainerNames));
  const runtimes = listOf(options.in, ['node', 'chromium'] as const, (name) =>
    oneOf(name, ['node', 'chromium'] as const),
  );
  const results: { runtime: string; adapter: string; result: TrainingResult }[] = [];
  for (const runtime of runtimes) {
    const rounds = Number(options.rounds ?? ROUNDS[runtime]);
    console.log(`\nTraining step in ${runtime}`);
    const one = await (runtime === 'node' ? inNode : inChromium)(names, rounds);
    for (const { name, times } of one.result.trainers) {
      const { median, min, work } = times;
      const speed = (TOKENS / median) * 1000;
      console.log(
        `  ${name.padEnd(8)} ${median.toFixed(0)} ms (least ${min.toFixed(0)}, work ${work?.toFixed(0) ?? '–'}), ${speed.toFixed(1)} tokens/s`,
      );
    }
    results.push({ runtime, ...one });
  }
  if (Object.keys(options).length > 0) return '';
  const rows = results.flatMap(({ runtime, result }) => {
    const [ours, ...peers] = result.trainers;
    return peers.map(({ name, losses, first, times }) => [
      runtime,
      name,
      (times.median / ours!.times.median).toFixed(2),
      ((times.work ?? Number.NaN) / (ours!.times.work ?? Number.NaN)).toFixed(2),
      (first / ours!.first).toFixed(1),
      Math.max(...losses.map((loss, i) => Math.abs(loss / ours!.losses[i]! - 1))).toExponential(0),
    ]);
  });
  return [
    '## A training step compared with other libraries',
    '',
    `The same 4-layer decoder (width 256, MLP 1024, 4 heads, vocabulary 512), one sequence of ${TOKENS} tokens, LoRA of rank 8 on`,
    'all seven linear layers, AdamW, the base frozen. In jax-js the whole step is one compiled function (`jit` of `valueAndGrad`',
    'and AdamW) with its own attention; in TensorFlow.js `variableGrads` of the adapter’s variables and AdamW in its operations.',
    'Tokens per second of ours / the peer’s, medians of steps that take turns, with the loss read back and the update done each',
    'time; processor time likewise, which other programs do not change; the first step, which compiles; the largest relative difference of the first three losses.',
    ...results.map(({ runtime, adapter }) => `In ${runtime}: ${adapter}.`),
    '',
    table(
      [
        'in',
        'peer',
        'our tokens/s / the peer’s',
        'work, peer / ours',
        'first step, peer / ours',
        'losses differ by',
      ],
      rows,
    ),
  ].join('\n');
}

type Measured = { adapter: string; result: TrainingResult };

async function inNode(names: readonly (typeof trainerNames)[number][], rounds: number): Promise<Measured> {
  let measured: Measured | null = null;
  await withGpu(async (gpu) => {
    const result = await measureTraining(gpu, { jax: importJax, tfjs: importTfjs }, names, rounds);
    measured = { adapter: gpu.description, result };
  });
  return measured!;
}

async function inChromium(
  names: readonly (typeof trainerNames)[number][],
  rounds: number,
): Promise<Measured> {
  const page = await openPeersPage();
  try {
    return { adapter: await page.adapter(), result: await page.training(names, rounds) };
  } finally {
    await page.close();
  }
}
