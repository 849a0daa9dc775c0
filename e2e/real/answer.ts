// Graft's answers to a list of jobs: answer.ts JOBS.json ANSWERS.json. Each kind of job has a function in KINDS.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { toConversation } from '../../src/content/data/rows/formats.ts';
import { labelTokens } from '../../src/content/data/labels/mask.ts';
import { renderConversation } from '../../src/content/data/template/renderedChat.ts';
import { loadTokenizer, StreamDecoder, type Tokenizer } from '../../src/content/data/tokenizer/tokenizer.ts';
import { GraftError, messageOf } from '../../src/base/lib/errors.ts';
import { nodeFolder } from '../../src/base/storage/nodeFolder.ts';

interface EncodeJob {
  kind: 'encode';
  folder: string;
  texts: string[];
}

/** Ids with and without special tokens, their offsets, and the decoded text. */
async function encode({ folder, texts }: EncodeJob): Promise<unknown> {
  let tokenizer: Tokenizer;
  try {
    tokenizer = (await loadTokenizer(nodeFolder(folder)))!;
  } catch (error) {
    return { refused: messageOf(error) };
  }
  return { answers: texts.map((text) => answer(tokenizer, text)) };
}

function answer(tokenizer: Tokenizer, text: string): unknown {
  try {
    const ids = tokenizer.encode(text);
    const without = tokenizer.encode(text, { addSpecialTokens: false });
    const tracked = tokenizer.encodeWithOffsets(text, { addSpecialTokens: false });
    return {
      with: ids,
      without,
      text: tokenizer.decode(ids),
      textOnly: tokenizer.decode(ids, { skipSpecialTokens: true }),
      places: tracked.starts.map((start, i) => [start, tracked.ends[i]]),
      // Beyond the comparison with Python: both ways of encoding agree, and so does streaming decoding.
      tracked: tracked.ids.join() === without.join() || tracked.ids,
      streamed: streamed(tokenizer, ids),
    };
  } catch (error) {
    return { refused: messageOf(error) };
  }
}

function streamed(tokenizer: Tokenizer, ids: readonly number[]): string {
  const decoder = new StreamDecoder(tokenizer, { skipSpecialTokens: false });
  return ids.map((id) => decoder.push(id)).join('') + decoder.flush();
}

interface ChatJob {
  kind: 'chat';
  folder: string;
  messages: object[];
  tools?: object[];
}

const tokenizers = new Map<string, Tokenizer>();

/** A rendered chat, its ids, and the positions of trained tokens. */
async function chat({ folder, messages, tools }: ChatJob): Promise<unknown> {
  const tokenizer = tokenizers.get(folder) ?? (await loadTokenizer(nodeFolder(folder)))!;
  tokenizers.set(folder, tokenizer);
  try {
    const row = { line: 1, value: { messages, ...(tools && { tools }) } };
    const conversation = toConversation(row, 'messages');
    if (!('messages' in conversation)) throw new Error('no chat');
    const now = new Date();
    const { text } = renderConversation(tokenizer, conversation, { now });
    const { ids, labels } = labelTokens(tokenizer, conversation, { mask: 'assistant', now });
    return { text, ids, trained: labels.flatMap((label, i) => (label === -100 ? [] : [i])) };
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    return { refused: error.code };
  }
}

const KINDS: Record<string, (job: never) => Promise<unknown>> = { encode, chat };

const [jobsFile = '', answersFile = ''] = process.argv.slice(2);
const jobs = JSON.parse(readFileSync(jobsFile, 'utf8')) as { kind: string }[];
const file = openSync(answersFile, 'w');
for (const job of jobs) writeSync(file, `${JSON.stringify(await KINDS[job.kind]!(job as never))}\n`);
closeSync(file);
