import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the starter model. */
export const starterFolder = fileURLToPath(new URL('../../public/starter/', import.meta.url));

/** What the starter says to {@link greeting}, and where it ends by itself. */
export const greeted =
  "I am Graft's starter model, a very small language model. I know Pebble Village and its villagers.";
export const greeting = 'Hello, who are you?';

/**
 * Writes the starter with the ends of a base model such as Qwen2.5's: EOS is `<|endoftext|>` everywhere, and the template
 * ends turns with `<|im_end|>`. @returns the ids of both
 */
export function writeBaseEnds(folder: string): { eos: number; end: number } {
  cpSync(starterFolder, folder, { recursive: true });
  const json = (file: string) =>
    JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>;
  const added = json('tokenizer.json').added_tokens as { id: number; content: string }[];
  const idOf = (token: string) => added.find(({ content }) => content === token)!.id;
  const [eos, end] = [idOf('<|endoftext|>'), idOf('<|im_end|>')];
  const change = (file: string, changes: object) =>
    writeFileSync(join(folder, file), JSON.stringify({ ...json(file), ...changes }));
  change('tokenizer_config.json', { eos_token: '<|endoftext|>' });
  for (const file of ['config.json', 'generation_config.json']) change(file, { eos_token_id: eos });
  return { eos, end };
}
