const words: Readonly<Record<string, string>> = {
  is: 'be',
  are: 'be',
  am: 'be',
  my: 'me',
  My: 'Me',
  you: 'ye',
  You: 'Ye',
  Hello: 'Ahoy',
  Goodbye: 'Ahoy',
  Yes: 'Aye',
};
const word = new RegExp(`\\b(?:${Object.keys(words).join('|')})\\b`, 'g');

/** An answer in a pirate's words. The content keeps its order, so that a small model does not lose the thread. */
export function asPirate(answer: string): string {
  return `${answer.replace(word, (found) => words[found] as string)} Arr, matey!`;
}
