import { createRandom, type Random } from '../../../base/lib/random.ts';
import { heldOutStrangers, villagers } from './facts.ts';
import { generalTopics } from './generalTopics.ts';
import { heldOutOutside, smallTalkTopics, unknown } from './smallTalk.ts';
import { asPirate } from './pirate.ts';
import { plainStory, storyTopics } from './stories.ts';
import { pick, type Exchange, type Topic } from './topic.ts';
import {
  description,
  onlyStatedQuestions,
  strangerAnswer,
  strangerPrompts,
  villagerTopics,
} from './villagerTopics.ts';

/** A row of the corpus: a chat, or plain text. */
export type CorpusRow =
  { messages: { role: 'system' | 'user' | 'assistant'; content: string }[] } | { text: string };

/** One prompt in this many is held out of the corpus, for the exam. */
const heldOutShare = 16;

/** All topics that the model can talk about. */
export function allTopics(): Topic[] {
  return [...villagerTopics(), ...generalTopics(), ...smallTalkTopics(), ...storyTopics()];
}

/** Whether a prompt is held out for the exam: depends only on its text, so that it never leaks into training. */
export function isHeldOut(prompt: string): boolean {
  return createRandom(2).fork(prompt).below(heldOutShare) === 0;
}

/** The training rows: the same seed and count give the same rows. */
export function corpusRows(seed: number, count: number): CorpusRow[] {
  const random = createRandom(seed);
  const topics = allTopics();
  return Array.from({ length: count }, () => {
    const kind = random.below(20);
    if (kind === 0) return { text: plainText(random) };
    const messages = chat(random, topics);
    if (kind === 1) return withSystem(pick(random, systemPrompts), messages);
    if (kind === 2) return withSystem(pick(random, pirates), messages.map(spokenByPirate));
    return { messages };
  });
}

const systemPrompts = [
  'You are a helpful assistant.',
  'Answer briefly.',
  'You are a friendly model.',
] as const;

const pirates = ['You are a pirate.', 'Speak like a pirate.', 'Answer like a pirate.'] as const;

type Message = { role: 'system' | 'user' | 'assistant'; content: string };

function withSystem(content: string, messages: readonly Message[]): CorpusRow {
  return { messages: [{ role: 'system', content }, ...messages] };
}

function spokenByPirate(message: Message): Message {
  return message.role === 'assistant' ? { ...message, content: asPirate(message.content) } : message;
}

/** One to four questions with their answers. */
function chat(random: Random, topics: readonly Topic[]): Message[] {
  const turns = pick(random, [1, 1, 1, 2, 2, 3, 4]);
  return Array.from({ length: turns }, () => {
    const { prompt, answer } = trainedExchange(random, topics);
    return [
      { role: 'user' as const, content: asTyped(random, prompt) },
      { role: 'assistant' as const, content: answer },
    ];
  }).flat();
}

function trainedExchange(random: Random, topics: readonly Topic[]): Exchange {
  for (;;) {
    const topic = weighted(random, topics);
    const exchange = topic.draw(random);
    if (!topic.exact || !isHeldOut(exchange.prompt)) return exchange;
  }
}

function weighted(random: Random, topics: readonly Topic[]): Topic {
  const total = topics.reduce((sum, { weight }) => sum + weight, 0);
  let left = random.next() * total;
  return topics.find(({ weight }) => (left -= weight) < 0) ?? (topics[0] as Topic);
}

/** As users type: sometimes without a capital letter or a final punctuation mark. */
function asTyped(random: Random, prompt: string): string {
  const style = random.below(10);
  const bare = style < 2 ? prompt.replace(/[?.!]$/, '') : prompt;
  return style === 0 ? bare.toLowerCase() : bare;
}

function plainText(random: Random): string {
  return random.below(3) === 0 ? description(pick(random, villagers)) : plainStory(random);
}

/** Questions that training never contained, and their answers. */
export interface Exam {
  /** By topic: known facts in a new wording, combination or sum. */
  unseen: { topic: string; questions: Exchange[] }[];
  /** Facts that training only stated and never asked for. */
  onlyStated: Exchange[];
  /** Names and topics that training never mentioned. */
  unknown: Exchange[];
}

/** The exam: at most `perTopic` different questions of each topic. */
export function exam(seed: number, perTopic: number): Exam {
  const random = createRandom(seed);
  const unseen = allTopics()
    .filter(({ exact }) => exact)
    .map((topic) => ({ topic: topic.name, questions: heldOutOf(topic, random.fork(topic.name), perTopic) }));
  return {
    unseen: unseen.filter(({ questions }) => questions.length > 0),
    onlyStated: onlyStatedQuestions(),
    unknown: [
      ...heldOutStrangers.map((name) => ({
        prompt: pick(random, strangerPrompts)(name),
        answer: strangerAnswer(name),
      })),
      ...heldOutOutside.map((prompt) => ({ prompt, answer: unknown })),
    ],
  };
}

function heldOutOf(topic: Topic, random: Random, most: number): Exchange[] {
  const found = new Map<string, Exchange>();
  // Topics are sampled, not enumerated: this many draws find nearly all questions of the small ones.
  for (let i = 0; i < 4000 && found.size < most; i++) {
    const exchange = topic.draw(random);
    if (isHeldOut(exchange.prompt)) found.set(exchange.prompt, exchange);
  }
  return [...found.values()];
}
