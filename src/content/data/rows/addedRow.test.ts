import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../../testing/errors.ts';
import { addedRow, type AddedMessage } from './addedRow.ts';
import { mappedConversation } from './columns.ts';
import { toConversation, type DataFormat } from './formats.ts';

const chat: AddedMessage[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Ahoy' },
];

describe('an added row', () => {
  it.each<DataFormat>(['messages', 'sharegpt', 'alpaca', 'prompt_completion', 'glaive', 'text'])(
    'is read among rows of format %s',
    (format) => {
      const read = toConversation({ line: 9, value: addedRow(chat, format) }, format);
      expect(read).toMatchObject({ messages: chat });
    },
  );

  it('fills the columns that were chosen', () => {
    const mapping = { kind: 'prompt' as const, system: 's', prompt: ['q', 'context'], response: 'a' };
    const value = addedRow(chat, mapping);
    expect(value).toEqual({ s: 'Be brief.', q: 'Hi', context: '', a: 'Ahoy' });
    expect(mappedConversation({ line: 1, value }, mapping)).toMatchObject({ messages: chat });
  });

  it('is refused where it does not fit', async () => {
    const refused = (format: Parameters<typeof addedRow>[1], code: Parameters<typeof expectGraftError>[1]) =>
      expectGraftError(async () => addedRow(chat, format), code);
    await refused('tokenized', 'data.add_tokenized');
    await refused('preference', 'data.add_preference');
    await refused({ kind: 'text', text: 't' }, 'data.add_columns');
    await refused({ kind: 'prompt', system: null, prompt: ['q'], response: 'a' }, 'data.add_columns');
    const mapping = { kind: 'prompt' as const, system: 's', prompt: ['q'], response: 'a' };
    await expectGraftError(async () => addedRow([...chat, ...chat.slice(1)], mapping), 'data.add_columns');
  });
});
