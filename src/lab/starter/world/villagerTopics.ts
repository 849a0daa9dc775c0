import {
  homes,
  isPerson,
  jobText,
  numbers,
  pronoun,
  strangers,
  village,
  villagers,
  withArticle,
  work,
  type Villager,
} from './facts.ts';
import { capitalize, inventedName, joined, listTopic, pick, type Topic } from './topic.ts';

type Fact = 'kind' | 'colour' | 'job' | 'home' | 'food' | 'friend' | 'hobby';

/** Phrasings of the question for each fact, and its answer. */
const direct: Readonly<Record<Fact, (v: Villager) => { prompts: string[]; answer: string }>> = {
  kind: (v) => ({
    prompts: isPerson(v)
      ? [`Is ${v.name} a person or a robot?`, `Is ${v.name} a person or an animal?`, `Is ${v.name} human?`]
      : [
          `What is ${v.name}?`,
          `What kind of animal is ${v.name}?`,
          `Is ${v.name} a person or ${withArticle(v.kind)}?`,
        ].filter((text) => v.kind !== 'robot' || !text.includes('animal')),
    answer: isPerson(v) ? `${v.name} is a person, a ${v.kind}.` : `${v.name} is ${withArticle(v.kind)}.`,
  }),
  colour: (v) =>
    isPerson(v)
      ? {
          prompts: [
            `What colour is ${v.name}'s coat?`,
            `What does ${v.name} wear?`,
            `Which colour does ${v.name}'s coat have?`,
            `What is ${v.name} wearing?`,
          ],
          answer: `${v.name} wears ${withArticle(v.colour)} coat.`,
        }
      : {
          prompts: [
            `What colour is ${v.name}?`,
            `Which colour does ${v.name} have?`,
            `Tell me the colour of ${v.name}.`,
            `What is the colour of ${v.name}?`,
          ],
          answer: `${v.name} is ${v.colour}.`,
        },
  job: (v) => ({
    prompts: [
      `What does ${v.name} do?`,
      `What is ${v.name}'s job?`,
      `What work does ${v.name} do?`,
      `What is the job of ${v.name}?`,
      `Which job does ${v.name} have?`,
    ],
    answer: `${v.name} is ${jobText(v.job)}. ${pronoun(v)} ${work[v.job]}.`,
  }),
  home: (v) => ({
    prompts: [
      `Where does ${v.name} live?`,
      `Where is ${v.name}'s home?`,
      `Where is the home of ${v.name}?`,
      `Where can I find ${v.name}?`,
      `Do you know where ${v.name} lives?`,
    ],
    answer: `${v.name} lives ${v.home}.`,
  }),
  food: (v) => ({
    prompts: [
      `What does ${v.name} like to eat?`,
      `What is ${v.name}'s favourite food?`,
      `What food does ${v.name} like?`,
      `What does ${v.name} eat?`,
      `What is the favourite food of ${v.name}?`,
    ],
    answer: `${v.name} likes to eat ${v.food}.`,
  }),
  friend: (v) => ({
    prompts: [
      `Who is ${v.name}'s best friend?`,
      `Who is the best friend of ${v.name}?`,
      `Who is ${v.name}'s friend?`,
      `Who does ${v.name} play with?`,
      `Does ${v.name} have a best friend?`,
    ],
    answer: `${v.name}'s best friend is ${v.friend}.`,
  }),
  hobby: (v) => ({
    prompts: [
      `What does ${v.name} love to do?`,
      `What is ${v.name}'s hobby?`,
      `What does ${v.name} do for fun?`,
      `What is the hobby of ${v.name}?`,
      `What does ${v.name} do on Sunday?`,
    ],
    answer: `${v.name} loves to ${v.hobby}.`,
  }),
};

/** All phrasings of questions about a villager, for single facts and for all together. */
export function questionsAbout(v: Villager): { prompts: readonly string[]; answer: string }[] {
  return [descriptionQuestions(v), ...Object.values(direct).map((ask) => ask(v))];
}

/**
 * Facts that training never asks for directly: they are only stated in descriptions and stories. The exam asks for
 * them.
 */
export const onlyStated: readonly [string, Fact][] = [
  ['Bolt', 'food'],
  ['Hazel', 'home'],
  ['Omar', 'job'],
  ['Lily', 'hobby'],
  ['Gus', 'friend'],
  ['Pixel', 'job'],
  ['Anna', 'food'],
  ['Tock', 'home'],
  ['Tilly', 'hobby'],
  ['Tom', 'friend'],
];

/** The exam's questions about facts that were only stated. */
export function onlyStatedQuestions(): { prompt: string; answer: string }[] {
  return onlyStated.flatMap(([name, fact]) => {
    const { prompts, answer } = direct[fact](villagers.find((v) => v.name === name) as Villager);
    return prompts.map((prompt) => ({ prompt, answer }));
  });
}

/** Two or three sentences with everything about a villager. */
export function description(v: Villager): string {
  const look = isPerson(v)
    ? `${v.name} is a ${v.kind} with ${withArticle(v.colour)} coat.`
    : `${v.name} is ${withArticle(v.colour)} ${v.kind}.`;
  return `${look} ${pronoun(v)} is ${jobText(v.job)} and lives ${v.home}. ${pronoun(v)} likes ${v.food} and loves to ${v.hobby}.`;
}

function descriptionQuestions(v: Villager): { prompts: readonly string[]; answer: string } {
  return {
    prompts: [
      `Who is ${v.name}?`,
      `Tell me about ${v.name}.`,
      `Do you know ${v.name}?`,
      `What do you know about ${v.name}?`,
      `Describe ${v.name}.`,
      `Can you tell me about ${v.name}?`,
    ],
    answer: description(v),
  };
}

function aboutTopic(): Topic {
  return listTopic('about a villager', 3, villagers.map(descriptionQuestions));
}

function directTopics(): Topic[] {
  return (Object.keys(direct) as Fact[]).map((fact) => {
    const asked = villagers.filter(({ name }) => !onlyStated.some(([n, f]) => n === name && f === fact));
    return listTopic(`${fact} of a villager`, fact === 'kind' ? 1 : 2, asked.map(direct[fact]));
  });
}

/** Who has a job, lives somewhere, likes something. */
function reverseTopic(): Topic {
  const by = (key: 'job' | 'home' | 'food' | 'hobby' | 'kind') => {
    const groups = new Map<string, string[]>();
    for (const v of villagers) groups.set(v[key], [...(groups.get(v[key]) ?? []), v.name]);
    return [...groups];
  };
  const verb = (names: string[], one: string, many: string) => (names.length === 1 ? one : many);
  return listTopic('who it is', 3, [
    ...by('job')
      .filter(([job]) => job !== 'student')
      .map(([job, names]) => ({
        prompts: [
          `Who is the ${job}?`,
          `What is the name of the ${job}?`,
          `Who works as the ${job}?`,
          `Who ${work[job]}?`,
          `Tell me who the ${job} is.`,
        ],
        answer: `${names[0]} is the ${job}.`,
      })),
    ...by('home').map(([home, names]) => ({
      prompts: [`Who lives ${home}?`, `Whose home is ${home}?`, `Which villagers live ${home}?`],
      answer: `${joined(names)} ${verb(names, 'lives', 'live')} ${home}.`,
    })),
    ...by('food').map(([food, names]) => ({
      prompts: [`Who likes ${food}?`, `Who likes to eat ${food}?`, `Who eats ${food}?`],
      answer: `${joined(names)} ${verb(names, 'likes', 'like')} ${food}.`,
    })),
    ...by('hobby').map(([hobby, names]) => ({
      prompts: [`Who loves to ${hobby}?`, `Who likes to ${hobby}?`, `Whose hobby is it to ${hobby}?`],
      answer: `${joined(names)} ${verb(names, 'loves', 'love')} to ${hobby}.`,
    })),
    ...by('kind').map(([kind, names]) => ({
      prompts: [
        `How many ${plural(kind)} live in the village?`,
        `How many ${plural(kind)} are there?`,
        `Which ${plural(kind)} live in the village?`,
        `Who are the ${plural(kind)} of the village?`,
      ],
      answer:
        names.length === 1
          ? `One ${kind} lives in ${village}: ${names[0]}.`
          : `${capitalize(numbers[names.length] as string)} ${plural(kind)} live in ${village}: ${joined(names)}.`,
    })),
  ]);
}

function plural(kind: string): string {
  return { woman: 'women', man: 'men', fox: 'foxes' }[kind] ?? `${kind}s`;
}

/** Yes/no questions, answered with the reason. */
function yesNoTopic(): Topic {
  const kinds = [...new Set(villagers.map(({ kind }) => kind))];
  const jobs = [...new Set(villagers.map(({ job }) => job))];
  const foods = villagers.map(({ food }) => food);
  const hobbies = villagers.map(({ hobby }) => hobby);
  const names = villagers.map(({ name }) => name);
  return {
    name: 'yes or no',
    weight: 5,
    exact: true,
    draw(random) {
      const v = pick(random, villagers);
      // Half of the questions are answered with yes.
      const choose = <T>(own: T, all: readonly T[]) => (random.below(2) === 0 ? own : pick(random, all));
      const say = (yes: boolean) => (yes ? 'Yes' : 'No');
      switch (random.below(6)) {
        case 0: {
          const kind = choose(v.kind, kinds);
          return {
            prompt: `Is ${v.name} ${withArticle(kind)}?`,
            answer: `${say(kind === v.kind)}, ${v.name} is ${withArticle(v.kind)}.`,
          };
        }
        case 1: {
          const job = choose(v.job, jobs);
          return {
            prompt: `Is ${v.name} ${jobText(job)}?`,
            answer: `${say(job === v.job)}, ${v.name} is ${jobText(v.job)}.`,
          };
        }
        case 2: {
          const home = choose(v.home, homes);
          return {
            prompt: `Does ${v.name} live ${home}?`,
            answer: `${say(home === v.home)}, ${v.name} lives ${v.home}.`,
          };
        }
        case 3: {
          const food = choose(v.food, foods);
          return {
            prompt: `Does ${v.name} like ${food}?`,
            answer: `${say(food === v.food)}, ${v.name} likes ${v.food}.`,
          };
        }
        case 4: {
          const hobby = choose(v.hobby, hobbies);
          return {
            prompt: `Does ${v.name} love to ${hobby}?`,
            answer: `${say(hobby === v.hobby)}, ${v.name} loves to ${v.hobby}.`,
          };
        }
        default: {
          const friend = choose(
            v.friend,
            names.filter((name) => name !== v.name),
          );
          return {
            prompt: `Is ${friend} ${v.name}'s best friend?`,
            answer: `${say(friend === v.friend)}, ${v.name}'s best friend is ${v.friend}.`,
          };
        }
      }
    },
  };
}

/** Names of nobody. */
export function strangerAnswer(name: string): string {
  return `I do not know ${name}. I only know the people of ${village}.`;
}

/** Ways to ask about somebody who is not in the village. */
export const strangerPrompts: readonly ((name: string) => string)[] = [
  (name) => `Who is ${name}?`,
  (name) => `Tell me about ${name}.`,
  (name) => `Do you know ${name}?`,
  (name) => `Where does ${name} live?`,
  (name) => `What does ${name} do?`,
  (name) => `What does ${name} like to eat?`,
];

function strangerTopic(): Topic {
  const taken = villagers.map(({ name }) => name);
  return {
    name: 'strangers',
    weight: 1.5,
    exact: true,
    draw(random) {
      const name = random.below(2) === 0 ? pick(random, strangers) : inventedName(random, taken);
      return { prompt: pick(random, strangerPrompts)(name), answer: strangerAnswer(name) };
    },
  };
}

/** Everything about who lives in the village. */
export function villagerTopics(): Topic[] {
  return [aboutTopic(), ...directTopics(), reverseTopic(), yesNoTopic(), strangerTopic()];
}
