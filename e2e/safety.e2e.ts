import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { robotStories } from '../src/testing/fixtures.ts';
import { writeTinyStories } from '../src/testing/tinyStories.ts';
import { openChromium } from '../src/testing/browsers/chromium.ts';
import { answerOf, dropData, dropModel, OPEN, train } from '../src/testing/browsers/job.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';

interface TokenizerJson {
  pre_tokenizer: unknown;
  model: { vocab: Record<string, number>; merges: string[] };
}

describe('malicious models and data', () => {
  let studio: Studio;
  let folder: string;
  let stories: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graft-safety-'));
    stories = writeTinyStories(folder);
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

  /** The project keeps the setting from one test to the next. */
  async function continueAsText(): Promise<void> {
    const isOn = () =>
      studio.evaluate(() => document.querySelector('#chat [role="switch"]')?.ariaChecked === 'true', null);
    if (!(await isOn())) await studio.click({ role: 'switch', name: 'Continue as text' });
    await expect.poll(isOn).toBe(true);
  }

  async function dataWith(name: string, ...prompts: string[]): Promise<string> {
    const path = join(folder, name);
    const rows = prompts.map((prompt) => JSON.stringify({ prompt, completion: 'Zip is a robot.' }));
    await writeFile(path, rows.join('\n'));
    return path;
  }

  it('stops an endless chat template by its limits, and the page stays responsive', async () => {
    // A list that contains itself twice, forty levels deep, is small until it is printed.
    const template =
      '{% set ns = namespace(x=[1]) %}{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}';
    await dropModel(studio, await modelWith('endless', () => undefined, template));
    await dropData(studio, await dataWith('rows.jsonl', 'Who is Zip?'));
    await studio.waitForText(/chat template cannot be used: it produces more than \d+ characters/, OPEN);
    // Prompts take the same path.
    await studio.view('Chat');
    await studio.fill('Prompt', 'Who is Zip?');
    await studio.click({ role: 'button', name: 'Send' });
    await studio.waitForText(/chat template cannot be used: it produces more than \d+ characters/, OPEN);
  });

  it('stops a pattern that runs endlessly on a megabyte, and reports it', async () => {
    const cut = { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false };
    await dropModel(studio, await modelWith('pattern', (json) => (json.pre_tokenizer = cut)));
    const data = await dataWith('long.jsonl', 'Who is Zip?', `${'a'.repeat(1 << 20)}!`);
    await dropData(studio, data);
    const shown = await studio.waitForText(
      /tokenizer made no progress for \d+ seconds on line 2 of long\.jsonl/,
      OPEN,
    );
    expect(shown).toContain('tokenizer.json splits text by “(a+)+$”');
    await studio.dropFiles('h1', [await dataWith('short.jsonl', 'Who is Zip?')]);
    await studio.waitForText('What the model sees', OPEN);
  });

  it('shows a model’s output as plain text, whatever it is', async () => {
    const asked: string[] = [];
    const server: Server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end();
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const said = [
      `<img src="${host}/image" onerror="globalThis.harmed = 1">`,
      '<a href="javascript:globalThis.harmed=1">here</a>',
      `![text](${host}/markdown)`,
      `<script>globalThis.harmed = 1</script><iframe src="${host}/frame"></iframe>`,
    ];
    // Every token that is more than a byte becomes all of these.
    const model = await modelWith('html', ({ model: json }) => {
      const entries = Object.entries(json.vocab).map(
        ([token, id]) => [id > 258 ? `${said.join('')} ${id}` : token, id] as const,
      );
      json.vocab = Object.fromEntries(entries);
      json.merges = [];
    });
    await dropModel(studio, model);
    await studio.view('Chat');
    await continueAsText();
    const answer = await answerOf(studio, 'base', '');
    for (const words of said) expect(answer).toContain(words);
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

  it('shows characters that reorder text, wherever that comes from', async () => {
    const attack = 'ab\u202egnp\u2066.exe';
    const model = await modelWith('reordered', ({ model: json }) => {
      const entries = Object.entries(json.vocab).map(
        ([token, id]) => [id > 258 ? `${attack} ${id}` : token, id] as const,
      );
      json.vocab = Object.fromEntries(entries);
      json.merges = [];
    });
    await dropModel(studio, model);
    const path = join(folder, `${attack}.jsonl`);
    const row = { prompt: attack, completion: attack, [attack]: attack };
    await writeFile(path, `${JSON.stringify(row)}\n{"prompt": ${attack}\n`);
    await studio.dropFiles('h1', [path]);
    await studio.waitForText('What the model sees', OPEN);
    await studio.view('Chat');
    await continueAsText();
    expect(await answerOf(studio, 'base', '')).toContain('ab\\u202egnp\\u2066.exe');
    const texts = await studio.evaluate(() => {
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      const found = [document.title];
      while (walker.nextNode())
        if (!walker.currentNode.parentElement?.closest('textarea'))
          found.push(walker.currentNode.textContent ?? '');
      return found;
    }, null);
    expect(texts.filter((text) => /[\u202a-\u202e\u2066-\u2069]/.test(text))).toEqual([]);
    expect(texts.filter((text) => text.includes('ab\\u202egnp')).length).toBeGreaterThan(3);
  });

  it('confines a crash to its view, and the run continues', async () => {
    const recipe = join(folder, 'recipe.json');
    await writeFile(recipe, JSON.stringify({ rank: 2, alpha: 4, max_steps: 2, batch_size: 1 }));
    await studio.setFiles('input[accept=".json,application/json"]', [recipe]);
    await dropModel(studio, stories);
    await dropData(studio, robotStories);
    await studio.waitForText('What the model sees', OPEN);
    const before = studio.problems.length;
    await studio.evaluate(() => {
      const state = HTMLCanvasElement.prototype as unknown as { getContext: unknown; own: unknown };
      state.own = state.getContext;
      state.getContext = () => {
        throw new Error('no canvas for "robot-stories.jsonl"');
      };
    }, null);
    await train(studio);
    const shown = await studio.waitForText('This view hit an unexpected error', OPEN);
    expect(shown).toContain('Error: no canvas for …');
    await studio.view('Data');
    await studio.waitForText('What the model sees');
    await studio.view('Train');
    await studio.evaluate(() => {
      const state = HTMLCanvasElement.prototype as unknown as { getContext: unknown; own: unknown };
      state.getContext = state.own;
    }, null);
    await studio.screenshot('crash');
    await studio.click({ role: 'button', name: 'Show again' });
    await studio.waitForText('Trained 2 steps', OPEN);
    expect(studio.problems.slice(before).every((problem) => /no canvas|error occurred/.test(problem))).toBe(
      true,
    );
  });
});
