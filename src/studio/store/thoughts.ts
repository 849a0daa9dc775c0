/** An answer and what the model thought before it. */
export interface SplitAnswer {
  /** Null where the answer has none. */
  thought: string | null;
  /** Empty while the model still thinks. */
  answer: string;
}

const OPEN = '<think>';
const CLOSE = '</think>';

/**
 * Splits an answer at `</think>`. Some templates write the opening tag into the prompt, so that an answer has the closing
 * one alone.
 */
export function splitThought(text: string): SplitAnswer {
  const end = text.indexOf(CLOSE);
  const begins = text.trimStart().startsWith(OPEN);
  if (end < 0) {
    return begins
      ? { thought: text.trimStart().slice(OPEN.length).trim(), answer: '' }
      : { thought: null, answer: text };
  }
  const before = text.slice(0, end).trimStart();
  const thought = begins ? before.slice(OPEN.length) : before;
  return { thought: thought.trim(), answer: text.slice(end + CLOSE.length).trimStart() };
}
