import {
  bySize,
  colours,
  days,
  legs,
  numbers,
  opposites,
  places,
  seasons,
  sounds,
  village,
  weather,
  withArticle,
  work,
} from './facts.ts';
import { capitalize, listTopic, pick, type Topic } from './topic.ts';

/** Colours, sounds, legs and opposites. */
function thingTopics(): Topic[] {
  const bothWays = opposites.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]);
  return [
    listTopic(
      'colours',
      1,
      colours.map(([thing, colour]) => ({
        prompts: [
          `What colour is ${thing}?`,
          `Which colour does ${thing} have?`,
          `What is the colour of ${thing}?`,
          `Tell me the colour of ${thing}.`,
        ],
        answer: `${capitalize(thing)} is ${colour}.`,
      })),
    ),
    listTopic('sounds', 1, [
      ...sounds.map(([animal, sound]) => ({
        prompts: [
          `What does ${withArticle(animal)} say?`,
          `What sound does ${withArticle(animal)} make?`,
          `How does ${withArticle(animal)} sound?`,
        ],
        answer: `${capitalize(withArticle(animal))} says ${sound}.`,
      })),
      ...sounds.map(([animal, sound]) => ({
        prompts: [`Who says ${sound}?`, `Which animal says ${sound}?`],
        answer: `${capitalize(withArticle(animal))} says ${sound}.`,
      })),
      ...sounds.map(([animal, sound]) => ({
        prompts: [
          `What is ${withArticle(animal)}?`,
          `Tell me what ${withArticle(animal)} is.`,
          `Do you know what ${withArticle(animal)} is?`,
        ],
        answer: `${capitalize(withArticle(animal))} is ${animal === 'robot' ? 'a machine' : 'an animal'} that says ${sound}.`,
      })),
    ]),
    listTopic(
      'legs',
      0.7,
      legs.map(([animal, count]) => ({
        prompts: [
          `How many legs does ${withArticle(animal)} have?`,
          `How many legs has ${withArticle(animal)}?`,
          `Count the legs of ${withArticle(animal)}.`,
        ],
        answer: `${capitalize(withArticle(animal))} has ${count} legs.`,
      })),
    ),
    listTopic(
      'opposites',
      1.2,
      bothWays.map(([a, b]) => ({
        prompts: [
          `What is the opposite of ${a}?`,
          `Tell me the opposite of ${a}.`,
          `Which word is the opposite of ${a}?`,
          `What is the other way of ${a}?`,
        ],
        answer: `The opposite of ${a} is ${b}.`,
      })),
    ),
    listTopic(
      'sizes',
      1.2,
      bySize.flatMap((small, i) =>
        bySize.slice(i + 1).flatMap((big) => [
          {
            prompts: [
              `Which is bigger, ${small} or ${big}?`,
              `Which is bigger, ${big} or ${small}?`,
              `Is ${big} bigger than ${small}?`,
            ],
            answer: `${capitalize(big)} is bigger than ${small}.`,
          },
          {
            prompts: [
              `Which is smaller, ${small} or ${big}?`,
              `Which is smaller, ${big} or ${small}?`,
              `Is ${small} smaller than ${big}?`,
            ],
            answer: `${capitalize(small)} is smaller than ${big}.`,
          },
        ]),
      ),
    ),
  ];
}

/** Counting, sums up to ten, and which number is more. */
function numberTopics(): Topic[] {
  const word = (n: number) => numbers[n] as string;
  const count = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => word(from + i)).join(', ');
  return [
    listTopic('order of numbers', 1.2, [
      ...numbers.slice(1).map((n, i) => ({
        prompts: [
          `What comes after ${word(i)}?`,
          `Which number comes after ${word(i)}?`,
          `What is the next number after ${word(i)}?`,
          `What comes after ${i}?`,
        ],
        answer: `${capitalize(n)} comes after ${word(i)}.`,
      })),
      ...numbers.slice(1).map((n, i) => ({
        prompts: [
          `What comes before ${n}?`,
          `Which number comes before ${n}?`,
          `What comes before ${i + 1}?`,
        ],
        answer: `${capitalize(word(i))} comes before ${n}.`,
      })),
      ...[3, 4, 5, 6, 7, 8, 9, 10].map((n) => ({
        prompts: [`Count to ${word(n)}.`, `Can you count to ${word(n)}?`, `Please count to ${n}.`],
        answer: `${capitalize(count(1, n))}.`,
      })),
    ]),
    {
      name: 'sums',
      weight: 2,
      exact: true,
      draw(random) {
        const a = random.below(7);
        const b = random.below(6);
        const prompt = pick(random, [
          `What is ${word(a)} plus ${word(b)}?`,
          `How much is ${word(a)} plus ${word(b)}?`,
          `What is ${word(a)} and ${word(b)} together?`,
          `What is ${a} + ${b}?`,
          `${a} + ${b} = ?`,
        ]);
        return { prompt, answer: `${capitalize(word(a))} plus ${word(b)} is ${word(a + b)}.` };
      },
    },
    {
      name: 'more or less',
      weight: 0.8,
      exact: true,
      draw(random) {
        const a = random.below(11);
        const b = (a + 1 + random.below(10)) % 11;
        const prompt = pick(random, [
          `Which is more, ${word(a)} or ${word(b)}?`,
          `What is more, ${word(a)} or ${word(b)}?`,
          `Which number is bigger, ${word(a)} or ${word(b)}?`,
        ]);
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        return { prompt, answer: `${capitalize(word(more))} is more than ${word(less)}.` };
      },
    },
  ];
}

/** Days, seasons, weather, places and work. */
function villageTopics(): Topic[] {
  const order = (list: readonly string[], what: string) =>
    list.flatMap((item, i) => {
      const next = list[(i + 1) % list.length] as string;
      return [
        {
          prompts: [
            `What comes after ${item}?`,
            `Which ${what} comes after ${item}?`,
            `What ${what} follows ${item}?`,
          ],
          answer: `${capitalize(next)} comes after ${item}.`,
        },
        {
          prompts: [
            `What comes before ${next}?`,
            `Which ${what} comes before ${next}?`,
            `What ${what} is before ${next}?`,
          ],
          answer: `${capitalize(item)} comes before ${next}.`,
        },
      ];
    });
  return [
    listTopic('days and seasons', 1.2, [
      ...order(days, 'day'),
      ...order(seasons, 'season'),
      {
        prompts: [
          'How many days has a week?',
          'How many days are in a week?',
          'What are the days of the week?',
        ],
        answer: `A week has seven days: ${days.join(', ')}.`,
      },
      {
        prompts: ['How many seasons has a year?', 'What are the seasons?', 'Name the seasons.'],
        answer: 'A year has four seasons: spring, summer, autumn and winter.',
      },
    ]),
    listTopic('weather', 0.8, [
      ...weather.map(([how, thing]) => ({
        prompts: [
          `What do I need when it ${how}?`,
          `What should I take when it ${how}?`,
          `It ${how}. What do I need?`,
        ],
        answer: `When it ${how}, you need ${thing}.`,
      })),
      ...weather.map(([how, , doing]) => ({
        prompts: [
          `What can we do when it ${how}?`,
          `What do people do when it ${how}?`,
          `It ${how} today. What can I do?`,
        ],
        answer: `When it ${how}, people in ${village} ${doing}.`,
      })),
    ]),
    listTopic('places', 1, [
      ...places.map(([what, where]) => ({
        prompts: [
          `Where can I ${what}?`,
          `Where do people ${what}?`,
          `I want to ${what}. Where can I go?`,
          `Where can we ${what} in the village?`,
        ],
        answer: `You can ${what} ${where}.`,
      })),
      {
        prompts: [
          `What is ${village}?`,
          `Tell me about ${village}.`,
          'Tell me about the village.',
          'What is the name of the village?',
        ],
        answer: `${village} is a small village by a river. Robots, animals and people live there together.`,
      },
      {
        prompts: ['How many villagers are there?', `Who lives in ${village}?`, 'Who lives in the village?'],
        answer: `Twenty villagers live in ${village}: five robots, eight animals and seven people.`,
      },
    ]),
    listTopic(
      'work',
      1,
      Object.entries(work).map(([job, doing]) => ({
        prompts: [
          `What does ${withArticle(job)} do?`,
          `What is the work of ${withArticle(job)}?`,
          `Tell me what ${withArticle(job)} does.`,
        ],
        answer: `${capitalize(withArticle(job))} ${doing}.`,
      })),
    ),
  ];
}

/** What everyone in the village knows. */
export function generalTopics(): Topic[] {
  return [...thingTopics(), ...numberTopics(), ...villageTopics()];
}
