import { copyFile, cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './builtStudio.ts';

/**
 * Creates a model folder in `folder`: the starter model with a chat template that supports tools, calls and thoughts.
 */
export async function makeToolModel(folder: string): Promise<string> {
  const model = join(folder, 'tool-model');
  await mkdir(model);
  await cp(join(root, 'public', 'starter'), model, { recursive: true });
  const template = join(root, 'src', 'content', 'data', 'fixtures', 'tools.jinja');
  await copyFile(template, join(model, 'chat_template.jinja'));
  return model;
}
