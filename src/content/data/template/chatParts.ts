import { GraftError } from '../../../base/lib/errors.ts';
import type { TemplateMessage } from '../rows/conversation.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { PROBE } from './probe.ts';
import { renderChat } from './template.ts';

/** What stands before and behind the content of a message. */
export interface Around {
  before: string;
  after: string;
}

/** A chat template as fixed texts around messages: what simpler template languages, such as Ollama's, can say. */
export interface ChatParts {
  system: Around;
  user: Around;
  assistant: Around;
  /** What invites an answer, after the last message. */
  invitation: string;
  /** The system message of chats without one; null where the template writes none. */
  defaultSystem: string | null;
}

/**
 * The parts of a model's chat template, found by rendering probes; null where they are no fixed texts (a template that
 * puts the system message into the user's turn, for example) or where there is no template. BOS at the start is left out:
 * runtimes add it by themselves.
 */
export function chatParts(tokenizer: Tokenizer): ChatParts | null {
  if (tokenizer.chatTemplate === null) return null;
  try {
    return partsOf(tokenizer);
  } catch (error) {
    // A template that refuses a probe has rules that fixed texts cannot keep.
    if (error instanceof GraftError && error.code === 'data.template_refused') return null;
    throw error;
  }
}

const [SYSTEM, USER, ANSWER, NEXT] = ['s', 'u', 'a', 'v'].map((letter) => `${letter}${PROBE}${letter}`) as [
  string,
  string,
  string,
  string,
];

function partsOf(tokenizer: Tokenizer): ChatParts | null {
  const render = (contents: readonly string[], addGenerationPrompt = false) => {
    const text = renderChat(tokenizer, contents.map(messageOf), { addGenerationPrompt });
    const bos = tokenizer.bosId === null ? undefined : tokenizer.tokenOf(tokenizer.bosId);
    return bos !== undefined && text.startsWith(bos) ? text.slice(bos.length) : text;
  };
  const [beforeSystem, between, afterUser] = split(render([SYSTEM, USER]), SYSTEM, USER) ?? [];
  const [, , toAnswer, afterAnswer] = split(render([SYSTEM, USER, ANSWER]), SYSTEM, USER, ANSWER) ?? [];
  const [, , , toNext] = split(render([SYSTEM, USER, ANSWER, NEXT]), SYSTEM, USER, ANSWER, NEXT) ?? [];
  const [, , toInvitation] = split(render([SYSTEM, USER], true), SYSTEM, USER) ?? [];
  const beforeUser = without(toNext, afterAnswer);
  const beforeAnswer = without(toAnswer, afterUser);
  const invitation = without(toInvitation, afterUser);
  if (beforeSystem === undefined || afterUser === undefined || afterAnswer === undefined) return null;
  if (beforeUser === null || beforeAnswer === null || invitation === null) return null;
  if (!between?.endsWith(beforeUser)) return null;
  const system = { before: beforeSystem, after: between.slice(0, between.length - beforeUser.length) };
  const parts = {
    system,
    user: { before: beforeUser, after: afterUser },
    assistant: { before: beforeAnswer, after: afterAnswer },
    invitation,
  };
  const alone = render([USER]);
  const turn = `${beforeUser}${USER}${afterUser}`;
  if (alone === turn) return { ...parts, defaultSystem: null };
  const preface = alone.endsWith(turn) ? alone.slice(0, alone.length - turn.length) : null;
  const isSystem =
    preface !== null &&
    preface.length >= system.before.length + system.after.length &&
    preface.startsWith(system.before) &&
    preface.endsWith(system.after);
  if (!isSystem) return null;
  return {
    ...parts,
    defaultSystem: preface.slice(system.before.length, preface.length - system.after.length),
  };
}

function messageOf(content: string): TemplateMessage {
  const role = content === SYSTEM ? 'system' : content === ANSWER ? 'assistant' : 'user';
  return { role, content };
}

/** What stands around probes in a text, each of which must be there once and in order; null otherwise. */
function split(text: string, ...probes: readonly string[]): string[] | null {
  const parts: string[] = [];
  let rest = text;
  for (const probe of probes) {
    const pieces = rest.split(probe);
    if (pieces.length !== 2) return null;
    parts.push(pieces[0]!);
    rest = pieces[1]!;
  }
  return [...parts, rest];
}

/** A text without its beginning; null where it begins otherwise. */
function without(text: string | undefined, beginning: string | undefined): string | null {
  if (text === undefined || beginning === undefined || !text.startsWith(beginning)) return null;
  return text.slice(beginning.length);
}
