import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { sharedPath } from '../src/testing/shared.ts';
import { openChromium } from './harness/chromium.ts';
import { answerOf, dropModel } from './harness/job.ts';
import type { Studio } from './harness/studio.ts';

/** Time for anything but training, in ms. */
const OPEN = 60_000;

const stories = sharedPath('models/stories260k');

interface TokenizerJson {
  pre_tokenizer: unknown;
  model: { vocab: Record<string, number>; merges: string[] };
}

describe('models and data that mean harm', { timeout: 300_000 }, () => {
  let studio: Studio;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graft-safety-'));
    studio = await openChromium(inject('studioUrl'));
  });
  afterAll(async () => {
    await studio?.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
  });

  /** The stories model with another tokenizer, or with a chat template. */
  async function modelWith(
    name: string,
    change: (json: TokenizerJson) => void,
    template?: string,
  ): Promise<string> {
    const path = join(folder, name);
    await cp(stories, path, { recursive: true });
    const file = join(path, 'tokenizer.json');
    const json = JSON.parse(await readFile(file, 'utf8')) as TokenizerJson;
    change(json);
    await writeFile(file, JSON.stringify(json));
    if (template) await writeFile(join(path, 'chat_template.jinja'), template);
    return path;
  }

  async function dataWith(name: string, ...prompts: string[]): Promise<string> {
    const path = join(folder, name);
    const rows = prompts.map((prompt) => JSON.stringify({ prompt, completion: 'Zip is a robot.' }));
    await writeFile(path, rows.join('\n'));
    return path;
  }

  it('ends a chat template without end by its limits, and the page stays alive', async () => {
    // A list that holds itself twice, forty times over, is small until it is written.
    const template =
      '{% set ns = namespace(x=[1]) %}{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}';
    await dropModel(studio, await modelWith('endless', () => undefined, template));
    await studio.evaluate(() => {
      const state = globalThis as unknown as { longestPause: number };
      state.longestPause = 0;
      let last = performance.now();
      setInterval(() => {
        state.longestPause = Math.max(state.longestPause, performance.now() - last);
        last = performance.now();
      }, 20);
    }, null);
    await studio.dropFiles('.drop[data-drop="data"]', [await dataWith('rows.jsonl', 'Who is Zip?')]);
    await studio.waitForText(/chat template cannot be used: it makes more than \d+ characters/, OPEN);
    const pause = await studio.evaluate(
      () => (globalThis as unknown as { longestPause: number }).longestPause,
      null,
    );
    expect(pause).toBeLessThan(1000);
    // The prompts of people go the same way.
    await studio.fill('Prompt', 'Who is Zip?');
    await studio.click({ role: 'button', name: 'Ask the model' });
    await studio.waitForText(/chat template cannot be used: it makes more than \d+ characters/, OPEN);
  });

  it('ends a pattern that runs for ever on a megabyte, and names it', async () => {
    const cut = { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false };
    await dropModel(studio, await modelWith('pattern', (json) => (json.pre_tokenizer = cut)));
    const data = await dataWith('long.jsonl', 'Who is Zip?', `${'a'.repeat(1 << 20)}!`);
    await studio.dropFiles('.drop[data-drop="data"]', [data]);
    const shown = await studio.waitForText(
      /tokenizer made no progress for \d+ seconds on line 2 of long\.jsonl/,
      OPEN,
    );
    expect(shown).toContain('tokenizer.json cuts text by “(a+)+$”');
    await studio.dropFiles('h1', [await dataWith('short.jsonl', 'Who is Zip?')]);
    await studio.waitForText('As the model reads it', OPEN);
  });

  it('shows what a model says as text, whatever it says', async () => {
    const asked: string[] = [];
    const server: Server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end();
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    // The first words of its story become these.
    const said: Record<string, string> = {
      '▁Once': `<img src="${host}/image" onerror="globalThis.harmed = 1">`,
      '▁there': '<a href="javascript:globalThis.harmed=1">here</a>',
      '▁named': `![text](${host}/markdown)`,
      '▁Lily': `<script>globalThis.harmed = 1</script><iframe src="${host}/frame"></iframe>`,
    };
    const model = await modelWith('html', ({ model: { vocab, merges } }) => {
      for (const [token, words] of Object.entries(said)) {
        vocab[words] = vocab[token]!;
        delete vocab[token];
      }
      const known = ([left = '', right = '']: string[]) =>
        [left, right, left + right].every((part) => part in vocab);
      merges.splice(0, merges.length, ...merges.filter((merge) => known(merge.split(' '))));
    });
    await dropModel(studio, model);
    await studio.click({ role: 'button', name: 'How answers are drawn' });
    await studio.click({ role: 'switch', name: 'Continue the text' });
    const answer = await answerOf(studio, 'base', 'Ask the model', '');
    for (const words of Object.values(said)) expect(answer).toContain(words);
    const made = await studio.evaluate(
      () => ({
        elements: document.querySelectorAll(
          '.answer__text img, .answer__text a, .answer__text iframe, .answer__text script',
        ).length,
        harmed: 'harmed' in globalThis,
      }),
      null,
    );
    expect(made).toEqual({ elements: 0, harmed: false });
    expect(asked).toEqual([]);
    server.close();
  });

  it('keeps a crash of a step to that step, and the run goes on', async () => {
    const recipe = join(folder, 'recipe.json');
    await writeFile(recipe, JSON.stringify({ rank: 2, alpha: 4, max_steps: 2, batch_size: 1 }));
    await studio.setFiles('input[accept=".json,application/json"]', [recipe]);
    await dropModel(studio, stories);
    await studio.dropFiles('.drop[data-drop="data"]', [sharedPath('data/robot-stories.jsonl')]);
    await studio.waitForText('As the model reads it', OPEN);
    const before = studio.problems.length;
    await studio.evaluate(() => {
      const state = HTMLCanvasElement.prototype as unknown as { getContext: unknown; own: unknown };
      state.own = state.getContext;
      state.getContext = () => {
        throw new Error('no canvas for "robot-stories.jsonl"');
      };
    }, null);
    await studio.click({ role: 'button', name: 'Train' });
    const shown = await studio.waitForText('This step ran into an error it could not handle', OPEN);
    expect(shown).toContain('Error: no canvas for …');
    expect(shown).toContain('As the model reads it');
    await studio.evaluate(() => {
      const state = HTMLCanvasElement.prototype as unknown as { getContext: unknown; own: unknown };
      state.getContext = state.own;
    }, null);
    await studio.screenshot('crash');
    await studio.click({ role: 'button', name: 'Show it again' });
    await studio.waitForText('Trained 2 steps', OPEN);
    expect(studio.problems.slice(before).every((problem) => /no canvas|error occurred/.test(problem))).toBe(
      true,
    );
  });
});
