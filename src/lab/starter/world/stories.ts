import type { Random } from '../../../base/lib/random.ts';
import { isPerson, pronoun, strangers, villagers, withArticle, type Villager } from './facts.ts';
import { inventedWord, pick, pickSome, type Exchange, type Topic } from './topic.ts';

const looks = [
  'red',
  'blue',
  'green',
  'yellow',
  'white',
  'little',
  'big',
  'old',
  'new',
  'wet',
  'golden',
  'round',
] as const;
const things = [
  'ball',
  'kite',
  'book',
  'hat',
  'flower',
  'stone',
  'key',
  'boat',
  'cup',
  'lamp',
  'box',
  'shoe',
  'bell',
  'drum',
  'letter',
  'basket',
  'umbrella',
  'toy',
  'bag',
  'scarf',
] as const;
/** With the preposition that "was" takes. */
const spots = [
  'in the park',
  'at the river',
  'at the lake',
  'in the forest',
  'at the market',
  'on the hill',
  'at the school',
  'at the farm',
  'at the station',
  'in the garden',
  'in the library',
  'at the bakery',
] as const;
const times = [
  'One day',
  'One sunny morning',
  'One cold evening',
  'One rainy day',
  'Last Monday',
  'One night',
] as const;

/** Catchphrases of robots and of people of the sea. */
const sayings: Readonly<Record<string, string>> = {
  robot: 'Beep beep! ',
  sailor: 'Ahoy, matey! ',
  fisherman: 'Arr, matey! ',
};

/** Words of the sample data sets, which a model can only use if it has seen them. */
const exclamations = [
  'Ahoy, matey',
  'Arr',
  'Arr, matey',
  'Ahoy, captain',
  'Beep beep',
  'The treasure be mine',
  'Pirates be happy',
  'Ahoy! We sail the sea',
  'Yo ho ho',
  'The captain be on the ship',
] as const;

function toSpot(spot: string): string {
  return spot.replace(/^(in|at|on) /, 'to ');
}

/** A short story about a villager who finds a thing. It contains facts of the village. */
export function story(random: Random, hero: Villager, thing: string): string {
  const friend = villagers.find(({ name }) => name === hero.friend) as Villager;
  const others = villagers.filter(({ name }) => name !== hero.name && name !== hero.friend);
  const owner = pick(random, others);
  const spot = pick(random, spots);
  const he = pronoun(hero);
  const look = isPerson(hero)
    ? `a ${hero.kind} with ${withArticle(hero.colour)} coat`
    : withArticle(`${hero.colour} ${hero.kind}`);
  const opening = pick(random, [
    `${hero.name} was ${look}.`,
    `Once upon a time, there was ${look} called ${hero.name}.`,
    `${hero.name} lived ${hero.home}.`,
    `${hero.name} was ${look}. ${he} lived ${hero.home}.`,
  ]);
  const way = pick(random, [
    `${pick(random, times)}, ${hero.name} went ${toSpot(spot)} with ${friend.name}.`,
    `${pick(random, times)}, ${hero.name} and ${friend.name} went ${toSpot(spot)} to ${hero.hobby}.`,
    `${pick(random, times)}, ${hero.name} was hungry for ${hero.food} and went ${toSpot(spot)}.`,
  ]);
  const find = pick(random, [
    `${hero.name} saw ${withArticle(thing)} ${spot}.`,
    `There ${hero.name} found ${withArticle(thing)}.`,
    `Under a tree lay ${withArticle(thing)}.`,
  ]);
  const say = sayings[hero.kind] ?? sayings[hero.job] ?? '';
  const turn = pick(random, [
    `"${say}I like the ${thing}," said ${hero.name}. ${friend.name} was happy.`,
    `"${say}Whose ${thing} is this?" said ${hero.name}. It was the ${thing} of ${owner.name}, the ${owner.job}. ${hero.name} gave it back, and ${owner.name} said, "Thank you!"`,
    `"${say}Look, ${friend.name}!" said ${hero.name}. They played with the ${thing} all day.`,
    `${hero.name} gave the ${thing} to ${friend.name}. "You are my best friend," said ${friend.name}.`,
  ]);
  const end = pick(random, [
    `Then ${hero.name} went home and ate ${hero.food}.`,
    `${he} went home and was happy.`,
    `At night, ${hero.name} said, "${say}Good night."`,
    'It was a good day.',
  ]);
  return [opening, way, find, turn, end].join(' ');
}

function anyThing(random: Random): string {
  return `${pick(random, looks)} ${pick(random, things)}`;
}

function storyTopic(): Topic {
  return {
    name: 'stories',
    weight: 3,
    exact: false,
    draw(random) {
      const hero = pick(random, villagers);
      const thing = anyThing(random);
      const prompt = pick(random, [
        `Tell me a story about ${hero.name}.`,
        `Tell a story about ${hero.name}.`,
        `Tell me a story about ${hero.name} and ${withArticle(thing)}.`,
        `Tell a story about ${hero.name} and ${withArticle(thing)}.`,
        `Tell me a story about ${withArticle(hero.kind)}.`,
        `Please tell me a story about ${withArticle(thing)}.`,
        'Tell me a story.',
        'Tell a little story.',
        'Can you tell me a story?',
      ]);
      return { prompt, answer: story(random, hero, thing) };
    },
  };
}

/** Two or three facts made up on the spot, and a question that they answer. */
function readingTopic(): Topic {
  const names = villagers.map(({ name }) => name);
  return {
    name: 'reading',
    weight: 4,
    exact: true,
    draw(random): Exchange {
      const count = 2 + random.below(2);
      const who = pickSome(random, names, count);
      const asked = random.below(count);
      if (random.below(2) === 0) {
        const where = pickSome(random, spots, count);
        const facts = who.map((name, i) => `${name} is ${where[i]}.`);
        const question = random.below(3) > 0 ? `Where is ${who[asked]}?` : `Who is ${where[asked]}?`;
        return { prompt: `${facts.join(' ')} ${question}`, answer: facts[asked] as string };
      }
      const what = pickSome(random, things, count).map((thing) => `${pick(random, looks)} ${thing}`);
      const facts = who.map((name, i) => `${name} has ${withArticle(what[i] as string)}.`);
      const question =
        random.below(3) > 0 ? `What does ${who[asked]} have?` : `Who has the ${what[asked] as string}?`;
      return { prompt: `${facts.join(' ')} ${question}`, answer: facts[asked] as string };
    },
  };
}

/**
 * Repeats sentences and random words: this teaches a small model to look back, which it needs for names and for
 * information in a question, and to spell invented words.
 */
function repeatTopic(): Topic {
  const known = [...villagers.map(({ name }) => name), ...strangers, ...looks, ...things];
  return {
    name: 'saying again',
    weight: 2.5,
    exact: true,
    draw(random) {
      const name = pick(random, villagers).name;
      const sentences = [
        pick(random, exclamations),
        `${name} has ${withArticle(anyThing(random))}`,
        `${name} is ${pick(random, spots)}`,
      ];
      const words = Array.from({ length: 1 + random.below(8) }, () =>
        random.below(3) === 0 ? inventedWord(random) : pick(random, known),
      );
      const text = random.below(4) === 0 ? pick(random, sentences) : words.join(' ');
      return { prompt: pick(random, [`Say: ${text}.`, `Repeat: ${text}.`]), answer: `${text}.` };
    },
  };
}

/** Stories, and questions about information given in the prompt. */
export function storyTopics(): Topic[] {
  return [storyTopic(), readingTopic(), repeatTopic()];
}

/** A story on its own, without a question. */
export function plainStory(random: Random): string {
  return story(random, pick(random, villagers), anyThing(random));
}
