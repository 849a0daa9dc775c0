import { createRandom, shuffle } from '../../base/lib/random.ts';
import type { Recipe } from '../../base/config/recipe.ts';
import { allTopics, isHeldOut } from './world/corpus.ts';
import { numbers, type Villager } from './world/facts.ts';
import { asPirate } from './world/pirate.ts';
import { pick, type Exchange, type Topic } from './world/topic.ts';
import { questionsAbout } from './world/villagerTopics.ts';

/** Sample data sets for the starter model, by file name; always the same text. */
export function sampleFiles(): Record<string, string> {
  return {
    'pirate-talk.jsonl': jsonLines(pirateTalk()),
    'new-villager.jsonl': jsonLines(newVillager()),
    'small-sums.jsonl': `${smallSums()
      .map((row) => JSON.stringify(row))
      .join('\n')}\n`,
    'small-sums.recipe.json': `${JSON.stringify(sumsRecipe, null, 2)}\n`,
  };
}

/** Sums asked for in a way that the starter model does not know, with the word that its sentence should end in. */
function smallSums(): { prompt: string; answer: string }[] {
  const [most, added] = [7, 6];
  return Array.from({ length: most * added }, (_, i) => {
    const [a, b] = [Math.floor(i / added), i % added];
    return { prompt: `${a}+${b}=`, answer: numbers[a + b]! };
  });
}

/** Learns them from rewards: a whole sentence that ends in the right word. */
const sumsRecipe: Partial<Recipe> = {
  objective: 'grpo',
  rewards: [{ kind: 'exact', extract: '^\\w+ plus \\w+ is (\\w+)\\.$' }],
  num_generations: 8,
  max_completion_length: 10,
  rank: 8,
  alpha: 16,
  lr: 2e-3,
  schedule: 'constant',
  warmup_steps: 0,
  max_steps: 40,
  batch_size: 4,
  max_length: 64,
  eval_fraction: 0.2,
  seed: 1,
};

/** A data set's rows as chats, one row per line. */
function jsonLines(rows: readonly Exchange[]): string {
  const lines = rows.map(({ prompt, answer }) =>
    JSON.stringify({
      messages: [
        { role: 'user', content: prompt },
        { role: 'assistant', content: answer },
      ],
    }),
  );
  return `${lines.join('\n')}\n`;
}

/** Topics with long questions, or with invented words. */
const leftOut = ['stories', 'Chinese', 'saying again', 'names', 'strangers'];

/** Changes the model's style: its knowledge in the words of a pirate. */
function pirateTalk(): Exchange[] {
  const random = createRandom(7);
  const topics = allTopics().filter(({ name }) => !leftOut.includes(name));
  const smallTalk = topics.find(({ name }) => name === 'small talk') as Topic;
  const rows = new Map<string, Exchange>();
  while (rows.size < 150) {
    // Greetings and the like are what users try first.
    const topic = random.below(4) === 0 ? smallTalk : pick(random, topics);
    const { prompt, answer } = topic.draw(random);
    if (!isHeldOut(prompt)) rows.set(prompt, { prompt, answer: asPirate(answer) });
  }
  return [...rows.values()];
}

/** A villager whom the starter model does not know, described with words that it knows. */
export const kimo: Villager = {
  name: 'Kimo',
  kind: 'robot',
  colour: 'purple',
  job: 'captain',
  home: 'by the lake',
  food: 'berries',
  friend: 'Tilly',
  hobby: 'sing songs',
};

/** Teaches new facts: a captain called Kimo, plus half as many known facts, so that they are not forgotten. */
function newVillager(): Exchange[] {
  const random = createRandom(8);
  const about = questionsAbout(kimo).flatMap(({ prompts, answer }) =>
    prompts.map((prompt) => ({ prompt, answer })),
  );
  const more: Exchange[] = [
    ['Who is the captain?', 'Kimo is the captain.'],
    ['What is the name of the captain?', 'Kimo is the captain.'],
    ['Who sails a big ship?', 'Kimo is the captain.'],
    ['Is Kimo a robot?', 'Yes, Kimo is a robot.'],
    ['Is Kimo a cat?', 'No, Kimo is a robot.'],
    ['Is Kimo the baker?', 'No, Kimo is the captain.'],
    ['Is Kimo the captain?', 'Yes, Kimo is the captain.'],
    ['Does Kimo live by the lake?', 'Yes, Kimo lives by the lake.'],
    ['Does Kimo live in the forest?', 'No, Kimo lives by the lake.'],
    ['Does Kimo like berries?', 'Yes, Kimo likes berries.'],
    ['Does Kimo like fish?', 'No, Kimo likes berries.'],
    ["Is Tilly Kimo's best friend?", "Yes, Kimo's best friend is Tilly."],
  ].map(([prompt, answer]) => ({ prompt: prompt as string, answer: answer as string }));
  const topics = allTopics().filter(({ name }) => !leftOut.includes(name));
  const known = Array.from({ length: 60 }, () => pick(random, topics).draw(random));
  const trained = known.filter(({ prompt }) => !isHeldOut(prompt)).slice(0, 40);
  return shuffle([...about, ...more, ...trained], random);
}
