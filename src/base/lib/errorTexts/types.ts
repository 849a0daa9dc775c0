/** The English text of one error: `what` happened and why, and what to do `next`. `{name}` is a parameter. */
export interface ErrorText {
  what: string;
  next: string;
}
