import { describe, expect, it } from 'vitest';
import { glaiveChat } from './glaive.ts';

const tool = '{"name": "f", "description": "d", "parameters": {}}';
const preface = 'You are helpful with access to the following functions. Use them if required';
const chat = 'USER: q\n \t\n\n  ASSISTANT: a <|endoftext|>';

describe('a row of Glaive’s', () => {
  it.each([`${preface} -\n${tool}`, `${preface} - [\n${tool}\n]`, `${preface}${tool}`])(
    'leaves out what leads over to the functions: %s',
    (system) => {
      const { messages, tools } = glaiveChat(`SYSTEM: ${system}`, chat);
      expect(messages).toEqual([
        { role: 'system', content: 'You are helpful' },
        { role: 'user', content: 'q' },
        { role: 'assistant', content: 'a' },
      ]);
      expect(tools).toHaveLength(1);
    },
  );

  it.each([' ', '\n', '\t\n', ' \n '])('is read in time that grows with its text, of blanks %j', (blank) => {
    const blanks = blank.repeat(200_000);
    const system = `x${blanks}${preface}${blanks}x${tool}`;
    const { messages } = glaiveChat(system, `USER: a${blanks}b\n\n${blanks}ASSISTANT: c${blanks}`);
    expect(messages.slice(1)).toEqual([
      { role: 'user', content: `a${blanks}b` },
      { role: 'assistant', content: 'c' },
    ]);
  });
});
