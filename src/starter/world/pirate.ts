const words: Readonly<Record<string, string>> = {
  ...{ is: 'be', are: 'be', am: 'be', my: 'me', My: 'Me', you: 'ye', You: 'Ye' },
  ...{ Hello: 'Ahoy', Goodbye: 'Ahoy', Yes: 'Aye' },
};
const word = new RegExp(`\\b(?:${Object.keys(words).join('|')})\\b`, 'g');

/** What a pirate would make of an answer. What it says stays where it is, so that a small model does not lose its thread. */
export function asPirate(answer: string): string {
  return `${answer.replace(word, (found) => words[found] as string)} Arr, matey!`;
}
