// Which parts of conversations are trained with public chat templates: for each template of a folder and each of seven
// conversations, every answer, thought and call must be trained and nothing of other roles, or the row must be rejected
// with a named error. Usage: node --import tsx e2e/interop/templateSpans.ts FOLDER_OF_JINJA_FILES
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toConversation } from '../../src/content/data/rows/formats.ts';
import { labelTokens } from '../../src/content/data/labels/mask.ts';
import { defaultReading } from '../../src/base/config/reading.ts';
import { GraftError } from '../../src/base/lib/errors.ts';
import { qwenTokenizer } from '../../src/testing/tokenizers.ts';

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string, fields: object = {}) => ({ role: 'assistant', content, ...fields });
const tools = [
  {
    type: 'function',
    function: {
      name: 'look_up',
      description: 'USERTOOL',
      parameters: {
        type: 'object',
        properties: { city: { type: 'string', description: 'A city.' } },
        required: ['city'],
      },
      return: { type: 'string', description: 'The weather.' },
    },
  },
];
const call = {
  id: 'call00001',
  type: 'function',
  function: { name: 'look_up', arguments: { city: 'ANSCITY' } },
};

/** Words in capitals mark the speaker: ANS… the assistant's, USER… the others'. */
const conversations: Record<string, object> = {
  one: { messages: [user('USERONE'), assistant('ANSONE')] },
  many: { messages: [user('USERONE'), assistant('ANSONE'), user('USERTWO'), assistant('ANSTWO')] },
  system: { messages: [{ role: 'system', content: 'USERSYS' }, user('USERONE'), assistant('ANSONE')] },
  tools: {
    tools,
    messages: [
      user('USERONE'),
      assistant('', { tool_calls: [call] }),
      { role: 'tool', name: 'look_up', tool_call_id: 'call00001', content: 'USERRESULT' },
      assistant('ANSONE'),
    ],
  },
  thought: { messages: [user('USERONE'), assistant('ANSONE', { reasoning_content: 'ANSTHOUGHT' })] },
  thoughts: {
    messages: [
      user('USERONE'),
      assistant('ANSONE', { reasoning_content: 'ANSTHOUGHT' }),
      user('USERTWO'),
      assistant('ANSTWO', { reasoning_content: 'ANSSECOND' }),
    ],
  },
  odd: { messages: [user(' USERONE\n\n<b>'), assistant('\n ANSONE {{ x }} ”é🙂\n```\n')] },
};

const folder = process.argv[2]!;
const counts = { right: 0, refused: 0, skipped: 0, wrong: 0 };
const refusals = new Map<string, number>();
for (const file of readdirSync(folder).filter((name) => name.endsWith('.jinja'))) {
  const source = readFileSync(join(folder, file), 'utf8');
  const tokenizer = { ...(await qwenTokenizer(source)) };
  tokenizer.specialTokens = { ...tokenizer.specialTokens, bos_token: '<|endoftext|>' };
  for (const [name, value] of Object.entries(conversations)) {
    try {
      const conversation = toConversation({ line: 1, value: value as Record<string, unknown> }, 'messages');
      if ('inputIds' in conversation) throw new Error('tokenized');
      const { ids, labels, skippedTurns, notes } = labelTokens(tokenizer, conversation, {
        ...defaultReading,
        now: new Date(2026, 0, 2),
      });
      const part = (wanted: boolean) =>
        tokenizer.decode(ids.filter((_, i) => i > 0 && (labels[i] !== -100) === wanted));
      const [trained, context] = [part(true), part(false)];
      const strayed = /USER[A-Z]*/.exec(trained)?.[0];
      const missed = [...context.matchAll(/ANS[A-Z]*/g)].map(String);
      const said = [...JSON.stringify(value).matchAll(/ANS[A-Z]*/g)].map(String);
      const lost = said.filter((word) => !trained.includes(word) && !context.includes(word));
      const isCounted = skippedTurns > 0 || (notes?.droppedThoughtTokens ?? 0) > 0;
      if (strayed !== undefined) report('wrong', file, name, `trains ${strayed}: ${trained}`);
      else if ((missed.length > 0 || lost.length > 0) && !isCounted)
        report(
          'wrong',
          file,
          name,
          `not trained ${missed.join(' ')}, lost ${lost.join(' ')}: ${tokenizer.decode(ids)}`,
        );
      else report(missed.length > 0 || lost.length > 0 ? 'skipped' : 'right', file, name, '');
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      const why = `${error.code} ${name} ${String(error.params.field ?? error.params.detail ?? '')}`.slice(
        0,
        110,
      );
      refusals.set(why, (refusals.get(why) ?? 0) + 1);
      report('refused', file, name, error.message);
    }
  }
}
console.log(JSON.stringify(counts));
for (const [why, count] of [...refusals].sort((a, b) => b[1] - a[1])) console.log(count, why);

function report(outcome: keyof typeof counts, file: string, name: string, detail: string): void {
  counts[outcome]++;
  if (outcome === 'wrong' || process.env.VERBOSE)
    console.log(outcome, file, name, JSON.stringify(detail).slice(0, 400));
}
