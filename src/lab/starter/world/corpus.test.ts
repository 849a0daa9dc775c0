import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../base/lib/random.ts';
import { allTopics, corpusRows, exam, isHeldOut } from './corpus.ts';
import { heldOutStrangers, villagers } from './facts.ts';
import { heldOutOutside } from './smallTalk.ts';
import { onlyStatedQuestions } from './villagerTopics.ts';

const rows = corpusRows(5, 6000);
const asked = rows.flatMap((row) =>
  'text' in row ? [] : row.messages.filter(({ role }) => role === 'user').map(({ content }) => content),
);

/** Without what users may omit when typing. */
const plain = (text: string) => text.toLowerCase().replace(/[?.!]$/, '');

describe('the corpus', () => {
  it('is the same for the same seed, and a prefix of it for fewer rows', () => {
    expect(corpusRows(5, 100)).toEqual(rows.slice(0, 100));
    expect(corpusRows(6, 100)).not.toEqual(rows.slice(0, 100));
  });

  it('contains no question of the exam', () => {
    const held = [...exam(1, 40).unseen.flatMap(({ questions }) => questions), ...onlyStatedQuestions()];
    expect(held.length).toBeGreaterThan(200);
    const seen = new Set(asked.map(plain));
    expect(held.filter(({ prompt }) => seen.has(plain(prompt)))).toEqual([]);
    for (const word of [...heldOutStrangers, ...heldOutOutside]) {
      expect(asked.filter((text) => text.includes(word))).toEqual([]);
    }
  });

  it('describes every villager and covers every topic', () => {
    const text = JSON.stringify(rows);
    for (const { name } of villagers) expect(text).toContain(`Tell me about ${name}`);
    const topics = allTopics().map(({ name }) => name);
    expect(new Set(topics).size).toBe(topics.length);
  });
});

describe('the world', () => {
  it.each(allTopics().filter(({ exact }) => exact))('has one answer to a question of “$name”', (topic) => {
    const random = createRandom(9);
    const answers = new Map<string, string>();
    for (let i = 0; i < 1500; i++) {
      const { prompt, answer } = topic.draw(random);
      expect([prompt, answer]).toEqual([prompt, answers.get(prompt) ?? answer]);
      answers.set(prompt, answer);
    }
  });

  it('has mutual friends', () => {
    for (const { name, friend } of villagers) {
      expect(villagers.find((v) => v.name === friend)?.friend).toBe(name);
    }
  });

  it('holds out about one question in sixteen for the exam', () => {
    const share = asked.map((_, i) => `question ${i}`).filter(isHeldOut).length / asked.length;
    expect(share).toBeGreaterThan(1 / 20);
    expect(share).toBeLessThan(1 / 13);
  });
});
