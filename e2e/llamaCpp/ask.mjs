// Asks llama.cpp about one file: ask.mjs QUESTION.json, which has `file` (GGUF), `lora` (GGUF or null), `sequences` of token
// ids, `prompts`, `newTokens` and `out`. Writes the logarithms of the next token's probabilities after each sequence to
// `out` (f32 [sequences, V], -Infinity where a probability is too small for f32), and prints as JSON what it answers to
// each prompt: { tokens, answer, ended }.
import { readFileSync, writeFileSync } from 'node:fs';
import { getLlama } from 'node-llama-cpp';

const { file, lora, sequences, prompts, newTokens, out } = JSON.parse(readFileSync(process.argv[2], 'utf8'));

// Several threads wait for each other in a loop, which takes forever beside other work.
const llama = await getLlama({
  gpu: false,
  build: 'never',
  logLevel: 'error',
  progressLogs: false,
  maxThreads: 1,
});
const model = await llama.loadModel({ modelPath: file, useMmap: false });
const context = await model.createContext({
  contextSize: 512,
  batchSize: 512,
  flashAttention: false,
  ...(lora && { lora: { adapters: [{ filePath: lora }] } }),
});
const sequence = context.getSequence();

const logProbs = [];
for (const ids of sequences) logProbs.push(await nextToken(ids));
writeFileSync(out, Buffer.concat(logProbs.map(({ buffer }) => Buffer.from(buffer))));
const answers = [];
for (const prompt of prompts) answers.push(await answerTo(prompt));
console.log(JSON.stringify(answers));
process.exit(0);

async function nextToken(ids) {
  await sequence.clearHistory();
  const all = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  const wanted = { generateNext: { probabilities: true, options: all } };
  const evaluated = await sequence.controlledEvaluate([...ids.slice(0, -1), [ids.at(-1), wanted]]);
  const { probabilities } = evaluated[ids.length - 1].next;
  const found = new Float32Array(Math.max(...probabilities.keys()) + 1).fill(-Infinity);
  for (const [id, probability] of probabilities) found[id] = Math.log(probability);
  return found;
}

async function answerTo(prompt) {
  await sequence.clearHistory();
  const tokens = model.tokenize(prompt, true);
  const answer = [];
  // Ends by itself at a token that the file says is an end.
  for await (const token of sequence.evaluate(tokens, { temperature: 0 }))
    if (answer.push(token) >= newTokens) break;
  return { tokens, answer: model.detokenize(answer, true), ended: answer.length < newTokens };
}
