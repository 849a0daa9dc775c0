// Renders chat templates with Graft: a JSON list of jobs on stdin, a JSON list of {text, spans} or {error} on stdout.
import { readFileSync } from 'node:fs';
import { generationSpans, renderChat } from '../../src/content/data/template/template.ts';

/** JSON cannot represent the float 1.0 or an int beyond 2^53: {"$float": 1} and {"$int": "…"} stand for them. */
const revive = (_key, value) => {
  if (typeof value !== 'object' || value === null) return value;
  if ('$float' in value) return new Number(value.$float);
  return '$int' in value ? BigInt(value.$int) : value;
};

const { now, jobs } = JSON.parse(readFileSync(0, 'utf8'), revive);
// `now` is a local time, without a zone.
const date = new Date(now);
const results = jobs.map(
  ({ template, toolTemplate, specialTokens, messages, variables, addGenerationPrompt }) => {
    const tokenizer = { chatTemplate: template, toolTemplate, specialTokens };
    const options = { addGenerationPrompt, now: date, variables };
    const turns = messages.map(({ role, content, ...fields }) => ({
      role,
      content: content ?? '',
      fields: { ...fields, content },
    }));
    try {
      return {
        text: renderChat(tokenizer, turns, options),
        spans: generationSpans(tokenizer, turns, options),
      };
    } catch (error) {
      return { error: `${error.code}: ${error.params?.detail ?? error.message}` };
    }
  },
);
process.stdout.write(JSON.stringify(results));
