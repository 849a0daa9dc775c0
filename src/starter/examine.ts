import type { Tokenizer } from '../data/tokenizer.ts';
import { stopIds } from '../data/turnEnd.ts';
import { answer, chatPrompt } from '../infer/answer.ts';
import type { AdapterUse, Decoder } from '../model/decoder.ts';
import type { Exam } from './world/corpus.ts';
import type { Exchange } from './world/topic.ts';

/** How a part of the exam went. */
export interface Mark {
  part: string;
  right: number;
  asked: number;
  wrong: { prompt: string; expected: string; said: string }[];
}

/** Longer than every answer of the exam: one that does not end by itself is wrong. */
const mostTokens = 64;

/** The model's likeliest answer to a question, word by word; what does not end by itself ends with "…". */
export async function reply(
  decoder: Decoder,
  use: AdapterUse,
  tokenizer: Tokenizer,
  prompt: string,
): Promise<string> {
  const ids = chatPrompt(tokenizer, [{ role: 'user', content: prompt }]);
  const greedy = {
    temperature: 0,
    topK: 0,
    topP: 1,
    seed: 0,
    maxNewTokens: mostTokens,
    endIds: stopIds(tokenizer),
  };
  const { text, stoppedBy } = await answer(decoder, use, tokenizer, ids, greedy);
  return stoppedBy === 'end' ? text : `${text}…`;
}

/** Asks every question of an exam; only the expected answer, letter by letter, is right. */
export async function examine(
  decoder: Decoder,
  use: AdapterUse,
  tokenizer: Tokenizer,
  { unseen, onlyTold, unknown }: Exam,
): Promise<Mark[]> {
  const parts: [string, readonly Exchange[]][] = [
    ...unseen.map(({ topic, questions }) => [topic, questions] as [string, readonly Exchange[]]),
    ['facts that were only told', onlyTold],
    ['unknown names and matters', unknown],
  ];
  const marks: Mark[] = [];
  for (const [part, questions] of parts) {
    const wrong: Mark['wrong'] = [];
    for (const { prompt, answer: expected } of questions) {
      const said = await reply(decoder, use, tokenizer, prompt);
      if (said !== expected) wrong.push({ prompt, expected, said });
    }
    marks.push({ part, right: questions.length - wrong.length, asked: questions.length, wrong });
  }
  return marks;
}
