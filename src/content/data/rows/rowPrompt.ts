import type { Chat, Conversation, Message, TemplateMessage } from './conversation.ts';

/** What a row asks, and what it expects as the answer. */
export interface RowPrompt {
  /** Line of the file or of the pasted text, from 1. */
  line: number;
  /** A chat for the model's template. */
  prompt: { kind: 'chat'; messages: TemplateMessage[]; templateArgs: Record<string, unknown> };
  /** Null for a prompt without an answer. */
  expected: string | null;
}

/**
 * The prompt of a row: its conversation up to the last answer, which is what is expected; a conversation that ends with
 * the user's turn expects nothing. Null for a row that asks nothing: a text without a prompt, or tokens.
 */
export function rowPrompt(conversation: Conversation, line: number): RowPrompt | null {
  if ('prompt' in conversation) {
    // As it is trained: a conversation of one turn.
    const { prompt: content, completion } = conversation;
    if (content === '') return null;
    const messages = [{ role: 'user', content }];
    return { line, prompt: { kind: 'chat', messages, templateArgs: {} }, expected: completion };
  }
  if (!('messages' in conversation)) return null;
  const { messages } = conversation;
  const last = messages.at(-1);
  const answered = last?.role === 'assistant';
  const asked = answered ? messages.slice(0, -1) : messages;
  if (!asked.some(({ role }) => role === 'user' || role === 'tool')) return null;
  return {
    line,
    prompt: { kind: 'chat', messages: asked.map(templateMessage), templateArgs: argsOf(conversation) },
    expected: answered ? last.content : null,
  };
}

/** The user's message where that is all there is, else all messages with their roles, for a table. */
export function promptText({ prompt }: RowPrompt): string {
  const { messages } = prompt;
  const turns = messages.filter(({ role }) => role !== 'system');
  const [only] = turns;
  if (turns.length === 1 && only) return only.content;
  return turns.map(({ role, content }) => `${role}: ${content}`).join('\n');
}

function templateMessage({ role, roleName, content, thought, calls, fields }: Message): TemplateMessage {
  const more = {
    ...fields,
    ...(thought !== undefined && { reasoning_content: thought }),
    ...(calls && { tool_calls: calls }),
  };
  return { role: roleName ?? role, content, ...(Object.keys(more).length > 0 && { fields: more }) };
}

function argsOf({ tools, documents, variables }: Chat): Record<string, unknown> {
  return { ...variables, ...(tools && { tools }), ...(documents && { documents }) };
}
