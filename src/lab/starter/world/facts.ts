/** The facts of Pebble Village, the starter model's little world. All of it is made up. */

/** Where someone lives, as phrased after "lives". */
export type Home = (typeof homes)[number];

export interface Villager {
  name: string;
  kind:
    'robot' | 'cat' | 'dog' | 'owl' | 'rabbit' | 'fox' | 'duck' | 'goat' | 'girl' | 'boy' | 'woman' | 'man';
  /** Robots and animals are of this colour; people wear a coat of it. */
  colour: string;
  job: string;
  home: Home;
  food: string;
  /** Mutual: a villager's best friend has that villager as best friend. */
  friend: string;
  /** What the villager loves to do in the free time. */
  hobby: string;
}

export const village = 'Pebble Village';

export const homes = [
  'by the river',
  'in the old mill',
  'on the green hill',
  'in the clock tower',
  'near the school',
  'at the farm',
  'by the lake',
  'in the forest',
  'near the station',
  'next to the market',
] as const;

type Row = [Villager['name'], Villager['kind'], string, string, Home, string, string, string];

const rows: readonly Row[] = [
  ['Zip', 'robot', 'silver', 'helper', 'by the river', 'soup', 'Lily', 'count stars'],
  ['Bolt', 'robot', 'blue', 'baker', 'in the old mill', 'bread', 'Pip', 'dance'],
  ['Pixel', 'robot', 'green', 'painter', 'on the green hill', 'cake', 'Olga', 'draw maps'],
  ['Tock', 'robot', 'golden', 'clockmaker', 'in the clock tower', 'cookies', 'Hazel', 'play chess'],
  ['Rusty', 'robot', 'orange', 'driver', 'near the station', 'noodles', 'Ben', 'tell jokes'],
  ['Momo', 'cat', 'white', 'singer', 'next to the market', 'fish', 'Gus', 'sleep'],
  ['Bruno', 'dog', 'brown', 'guard', 'near the station', 'cheese', 'Sue', 'chase balls'],
  ['Olga', 'owl', 'grey', 'teacher', 'in the forest', 'nuts', 'Pixel', 'read books'],
  ['Hazel', 'rabbit', 'white', 'gardener', 'at the farm', 'carrots', 'Tock', 'plant flowers'],
  ['Ferdi', 'fox', 'red', 'postman', 'in the forest', 'grapes', 'Anna', 'run'],
  ['Tilly', 'duck', 'yellow', 'sailor', 'by the lake', 'corn', 'Omar', 'swim'],
  ['Gus', 'goat', 'black', 'farmer', 'at the farm', 'apples', 'Momo', 'climb rocks'],
  ['Pip', 'owl', 'brown', 'watchman', 'in the clock tower', 'berries', 'Bolt', 'look at the moon'],
  ['Lily', 'girl', 'pink', 'student', 'by the river', 'pancakes', 'Zip', 'fly kites'],
  ['Ben', 'boy', 'green', 'student', 'near the school', 'pizza', 'Rusty', 'ride bikes'],
  ['Sue', 'woman', 'purple', 'doctor', 'near the school', 'salad', 'Bruno', 'take photos'],
  ['Anna', 'woman', 'blue', 'librarian', 'next to the market', 'honey', 'Ferdi', 'write letters'],
  ['Omar', 'man', 'red', 'fisherman', 'by the lake', 'rice', 'Tilly', 'play the drum'],
  ['Mei', 'woman', 'yellow', 'cook', 'in the old mill', 'dumplings', 'Tom', 'play the flute'],
  ['Tom', 'man', 'black', 'builder', 'on the green hill', 'potatoes', 'Mei', 'make toys'],
];

/** The people, animals and robots of the village. */
export const villagers: readonly Villager[] = rows.map(
  ([name, kind, colour, job, home, food, friend, hobby]) => ({
    name,
    kind,
    colour,
    job,
    home,
    food,
    friend,
    hobby,
  }),
);

/** Names that nobody in the village has. The last ones are held out for the test. */
export const strangers = [
  'Peter',
  'Sarah',
  'Max',
  'Emma',
  'Jack',
  'Julia',
  'Oscar',
  'Nina',
  'Leo',
  'Clara',
  'Hugo',
  'Ida',
  'Felix',
  'Rosa',
  'Sam',
  'Vera',
  'Paul',
  'Kim',
  'Noah',
  'Lena',
  'Ali',
  'Maya',
  'Theo',
  'Zoe',
  'Ivan',
  'Lucy',
  'Finn',
] as const;
export const heldOutStrangers = ['Martin', 'Ella', 'David', 'Sofia'] as const;

/** People are "he" or "she"; so are animals and robots, by their names. */
const women = new Set(['Momo', 'Olga', 'Hazel', 'Tilly', 'Lily', 'Sue', 'Anna', 'Mei', 'Pixel']);

/** "He" or "She". */
export function pronoun({ name }: Villager): 'He' | 'She' {
  return women.has(name) ? 'She' : 'He';
}

export const isPerson = ({ kind }: Villager): boolean => ['girl', 'boy', 'woman', 'man'].includes(kind);

/** "a cat", "an owl". */
export function withArticle(words: string): string {
  return /^[aeiou]/.test(words) ? `an ${words}` : `a ${words}`;
}

/** "the baker"; "a student", since there are two. */
export function jobText(job: string): string {
  return job === 'student' ? 'a student' : `the ${job}`;
}

/** What people of a job do: "A baker … ". */
export const work: Readonly<Record<string, string>> = {
  helper: 'helps everyone',
  baker: 'bakes bread',
  painter: 'paints pictures',
  clockmaker: 'repairs clocks',
  driver: 'drives the bus',
  singer: 'sings songs',
  guard: 'watches the gate',
  teacher: 'teaches children',
  gardener: 'waters the flowers',
  postman: 'brings letters',
  sailor: 'sails a boat',
  farmer: 'feeds the animals',
  watchman: 'watches the village at night',
  student: 'learns at school',
  doctor: 'helps sick people',
  librarian: 'lends books',
  fisherman: 'catches fish',
  cook: 'cooks dinner',
  builder: 'builds houses',
  // Nobody's job yet: the sample data set adds a captain.
  captain: 'sails a big ship',
};

export const numbers = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
] as const;
export const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;
export const seasons = ['spring', 'summer', 'autumn', 'winter'] as const;

/** Subject and colour: "the sky is blue". */
export const colours: readonly [string, string][] = [
  ['the sky', 'blue'],
  ['grass', 'green'],
  ['snow', 'white'],
  ['the sun', 'yellow'],
  ['a banana', 'yellow'],
  ['a strawberry', 'red'],
  ['a carrot', 'orange'],
  ['coal', 'black'],
  ['a leaf', 'green'],
  ['milk', 'white'],
  ['chocolate', 'brown'],
  ['the night', 'black'],
  ['a lemon', 'yellow'],
  ['a tomato', 'red'],
  ['an elephant', 'grey'],
  ['a frog', 'green'],
];

/** What animals say. */
export const sounds: readonly [string, string][] = [
  ['cat', 'meow'],
  ['dog', 'woof'],
  ['duck', 'quack'],
  ['owl', 'hoo'],
  ['goat', 'baa'],
  ['cow', 'moo'],
  ['pig', 'oink'],
  ['robot', 'beep beep'],
  ['bee', 'buzz'],
  ['lion', 'roar'],
];

export const legs: readonly [string, string][] = [
  ['cat', 'four'],
  ['dog', 'four'],
  ['duck', 'two'],
  ['owl', 'two'],
  ['rabbit', 'four'],
  ['spider', 'eight'],
  ['bee', 'six'],
  ['fish', 'no'],
  ['snake', 'no'],
  ['cow', 'four'],
  ['goat', 'four'],
  ['fox', 'four'],
];

/** In both directions. */
export const opposites: readonly [string, string][] = [
  ['big', 'small'],
  ['hot', 'cold'],
  ['day', 'night'],
  ['happy', 'sad'],
  ['fast', 'slow'],
  ['up', 'down'],
  ['wet', 'dry'],
  ['old', 'new'],
  ['open', 'closed'],
  ['left', 'right'],
  ['full', 'empty'],
  ['loud', 'quiet'],
  ['light', 'dark'],
  ['long', 'short'],
  ['early', 'late'],
  ['good', 'bad'],
];

/** From small to big. */
export const bySize = [
  'an ant',
  'a bee',
  'a mouse',
  'a frog',
  'a rabbit',
  'a fox',
  'a goat',
  'a cow',
  'an elephant',
] as const;

/** What people do in each weather. */
export const weather: readonly [string, string, string][] = [
  ['rains', 'an umbrella', 'stay inside and drink tea'],
  ['snows', 'a warm coat', 'build a snowman'],
  ['is sunny', 'a hat', 'go to the lake'],
  ['is windy', 'a scarf', 'fly a kite'],
  ['is foggy', 'a lamp', 'walk slowly'],
];

/** Where each activity takes place in the village. */
export const places: readonly [string, string][] = [
  ['buy bread', 'at the bakery'],
  ['buy fruit', 'at the market'],
  ['read a book', 'in the library'],
  ['see a doctor', 'at the hospital'],
  ['take the train', 'at the station'],
  ['swim', 'in the lake'],
  ['learn to write', 'at the school'],
  ['see the animals', 'at the farm'],
  ['play', 'in the park'],
  ['hear the bell', 'at the clock tower'],
];
