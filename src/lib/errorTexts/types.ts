/** The English text of one error: `what` says what happened and why, `next` the one thing to do. `{name}` is a parameter. */
export interface ErrorText {
  what: string;
  next: string;
}
