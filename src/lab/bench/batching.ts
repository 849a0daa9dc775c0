import { openAsBlob } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import { chatPrompt } from '../../content/data/template/prompt.ts';
import { loadTokenizer } from '../../content/data/tokenizer/tokenizer.ts';
import { generate } from '../../engine/infer/generate.ts';
import { planBatch } from '../../engine/infer/batch/batchPlan.ts';
import { generateBatch, scheduledTexts, type BatchRequest } from '../../engine/infer/batch/generateBatch.ts';
import { withoutAdapter } from '../../engine/model/decoder/decoder.ts';
import { openModelFiles } from '../../engine/model/spec/openModel.ts';
import { closeDecoder, openDecoder } from '../../engine/model/weights/openDecoder.ts';
import { withGpu } from '../../hosts/node/withGpu.ts';
import { table } from '../../testing/markdownTable.ts';
import { megabytes } from './report.ts';

const fromRoot = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** Tokens of an answer; none ends earlier, so that all batches compute the same. */
const NEW_TOKENS = 32;
const BATCHES = [8, 64];
const ROWS = 64;
/** Measurements of each, the quickest of which counts. */
const ROUNDS = 2;

/** Greedy answers of the starter model to questions of a sample, so many at a time, relative to one after another. */
export async function batchingBench(): Promise<string> {
  const folder = nodeFolder(fromRoot('public/starter'));
  const tokenizer = (await loadTokenizer(folder))!;
  const sample = await (await openAsBlob(fromRoot('public/samples/pirate-talk.jsonl'))).text();
  const questions = sample
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { messages: { content: string }[] }).messages);
  const requests = Array.from({ length: ROWS }, (_, i): BatchRequest => {
    const [first] = questions[i % questions.length]!;
    const prompt = chatPrompt(tokenizer, [{ role: 'user', content: first!.content }]);
    return { prompt, maxNewTokens: NEW_TOKENS, endIds: [], seed: 0, temperature: 0, topK: 0, topP: 1 };
  });
  const files = await openModelFiles(folder);
  return withGpu(async (gpu) => {
    const decoder = await openDecoder(gpu, files, 'f32');
    try {
      const ways: [string, () => Promise<{ ids: number[] }[]>][] = [
        [
          'one after another',
          async () => {
            const all = [];
            for (const { prompt, ...options } of requests)
              all.push(await generate(decoder, withoutAdapter, prompt, options));
            return all;
          },
        ],
      ];
      const bytes = [''];
      for (const sequences of BATCHES) {
        const texts = scheduledTexts(decoder, requests);
        const plan = await planBatch(files, 'f32', gpu, { texts, sequences });
        bytes.push(megabytes(plan.poolBytes + plan.passBytes));
        ways.push([
          `${sequences} together`,
          () => generateBatch(decoder, withoutAdapter, requests, { plan }),
        ]);
      }
      const best = ways.map(() => Infinity);
      const answers: { ids: number[] }[][] = [];
      // The first round compiles shaders.
      for (let round = 0; round <= ROUNDS; round++) {
        for (const [i, [, run]] of ways.entries()) {
          const before = process.cpuUsage();
          answers[i] = await run();
          const { user, system } = process.cpuUsage(before);
          if (round > 0) best[i] = Math.min(best[i]!, user + system);
        }
      }
      const same = answers.map(
        (all) => all.filter(({ ids }, i) => ids.join() === answers[0]![i]!.ids.join()).length,
      );
      return [
        '## Answers together',
        '',
        `Greedy answers of ${NEW_TOKENS} tokens by the starter model to ${ROWS} questions on ${gpu.description}: speed relative to one`,
        `after another, by processor time, the best of ${ROUNDS} that take turns; how many answers are the same tokens; and what`,
        'pools and passes take on the GPU, as planned.',
        '',
        table(
          ['answers', 'speed', 'same', 'planned'],
          ways.map(([name], i) => [
            name,
            (best[0]! / best[i]!).toFixed(1),
            `${same[i]} of ${ROWS}`,
            bytes[i]!,
          ]),
        ),
      ].join('\n');
    } finally {
      closeDecoder(decoder);
    }
  });
}
