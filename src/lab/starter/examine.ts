import type { Tokenizer } from '../../content/data/tokenizer/tokenizer.ts';
import { stopIds } from '../../content/data/labels/turnEnd.ts';
import { answer, chatPrompt } from '../../engine/infer/answer.ts';
import type { AdapterUse, Decoder } from '../../engine/model/decoder/decoder.ts';
import type { Exam } from './world/corpus.ts';
import type { Exchange } from './world/topic.ts';

/** The result of one part of the exam. */
export interface Mark {
  part: string;
  right: number;
  asked: number;
  wrong: { prompt: string; expected: string; said: string }[];
}

/** Longer than every answer of the exam: one that does not end by itself is wrong. */
const mostTokens = 64;

/** The model's greedy answer to a question; one that does not end by itself ends with "…". */
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

/** Asks every question of an exam; an answer must match the expected one exactly. */
export async function examine(
  decoder: Decoder,
  use: AdapterUse,
  tokenizer: Tokenizer,
  { unseen, onlyStated, unknown }: Exam,
): Promise<Mark[]> {
  const parts: [string, readonly Exchange[]][] = [
    ...unseen.map(({ topic, questions }) => [topic, questions] as [string, readonly Exchange[]]),
    ['facts that were only told', onlyStated],
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
