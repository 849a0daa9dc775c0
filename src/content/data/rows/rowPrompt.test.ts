import { expect, it } from 'vitest';
import { toConversation } from './formats.ts';
import { promptText, rowPrompt } from './rowPrompt.ts';

const of = (value: Record<string, unknown>, format: Parameters<typeof toConversation>[1]) =>
  rowPrompt(toConversation({ line: 3, value }, format, { chosenOnly: true }), 3);
const user = { role: 'user', content: 'Hi' };
const said = { role: 'assistant', content: 'Ahoy' };

it('of a conversation is all before its last answer, which is what is expected', () => {
  const messages = [
    { role: 'system', content: 'Be brief.' },
    user,
    said,
    { role: 'user', content: 'Bye' },
    said,
  ];
  const prompt = of({ messages }, 'messages')!;
  expect(prompt).toMatchObject({ line: 3, expected: 'Ahoy', prompt: { kind: 'chat' } });
  expect(promptText(prompt)).toBe('user: Hi\nassistant: Ahoy\nuser: Bye');
});

it('of a conversation that ends with the user expects nothing', () => {
  const prompt = of({ messages: [user] }, 'messages')!;
  expect(prompt.expected).toBeNull();
  expect(promptText(prompt)).toBe('Hi');
});

it('keeps tools, reasoning and calls for the template', () => {
  const tools = [{ type: 'function', function: { name: 'f', parameters: {} } }];
  const call = {
    role: 'assistant',
    content: '',
    tool_calls: [{ name: 'f', arguments: {} }],
    reasoning_content: 'Hm',
  };
  const messages = [user, call, { role: 'tool', content: '7' }, said];
  const { prompt } = of({ messages, tools }, 'messages')!;
  expect(prompt.templateArgs).toEqual({ tools });
  expect(prompt.messages[1]!.fields).toMatchObject({ reasoning_content: 'Hm', tool_calls: [{ name: 'f' }] });
});

it('of a pair of texts is a conversation of one turn', () => {
  expect(of({ prompt: 'Once', completion: ' upon' }, 'prompt_completion')).toEqual({
    line: 3,
    prompt: { kind: 'chat', messages: [{ role: 'user', content: 'Once' }], templateArgs: {} },
    expected: ' upon',
  });
});

it('of preference data expects the better answer', () => {
  const pair = { prompt: 'Hi', chosen: 'Ahoy', rejected: 'No' };
  expect(of(pair, 'preference')?.expected).toBe('Ahoy');
});

it('is none for rows that ask nothing', () => {
  expect(of({ prompt: '', completion: 'Once' }, 'prompt_completion')).toBeNull();
  expect(of({ text: 'Once' }, 'text')).toBeNull();
  expect(of({ input_ids: [1, 2] }, 'tokenized')).toBeNull();
  expect(of({ messages: [said] }, 'messages')).toBeNull();
});
