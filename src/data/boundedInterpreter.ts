import { Interpreter } from '@huggingface/jinja';

type Evaluate = Interpreter['evaluate'];

/** Expressions and statements that one rendering may evaluate; templates of the Hub take some hundreds a message. */
const MAX_STEPS = 300_000;
/** Longest text and list that a template may make: rendered conversations are far below. */
const MAX_LENGTH = 1 << 24;
const MAX_ITEMS = 1_000_000;

/**
 * An interpreter of chat templates with limits: on its steps, and on the length of every value, so that text which
 * doubles and doubles ends before memory does. What one step may still take is the caller's to watch.
 */
export class BoundedInterpreter extends Interpreter {
  private steps = 0;

  override evaluate(...[statement, environment]: Parameters<Evaluate>): ReturnType<Evaluate> {
    if (++this.steps > MAX_STEPS) throw new RangeError(`it takes more than ${MAX_STEPS} steps`);
    const result = super.evaluate(statement, environment);
    const { value } = result;
    if (typeof value === 'string' && value.length > MAX_LENGTH)
      throw new RangeError(`it makes a text of more than ${MAX_LENGTH} characters`);
    if (Array.isArray(value) && value.length > MAX_ITEMS)
      throw new RangeError(`it makes a list of more than ${MAX_ITEMS} items`);
    return result;
  }
}
