import { adapterFields, recipeFields, type Recipe, type RecipeKey } from '../config/recipe.ts';
import type { RunRecord } from '../config/runRecord.ts';

/** What a card is of. */
export type CardKind = 'adapter' | 'merged';

/** Settings that say how numbers were made, not where they were kept while it happened. */
const technical: ReadonlySet<RecipeKey> = new Set<RecipeKey>(['memory_budget']);

/** Tokens that end answers and that the base's generation_config.json does not name, and the ids of all that end them. */
export interface CardEnds {
  added: readonly { id: number; token: string }[];
  ids: readonly number[];
}

/**
 * The model card (README.md) of an adapter or a merged model: the Hub's metadata, the base with its licence, the data in
 * numbers, the recipe and the losses. Metadata keys are those of the Hub's model cards
 * (https://huggingface.co/docs/hub/model-cards).
 */
export function modelCard(
  title: string,
  kind: CardKind,
  run: RunRecord,
  { added, ids }: CardEnds = { added: [], ids: [] },
): string {
  const { base, data, recipe } = run;
  const dataset = /^hf:datasets\/([^/@]+\/[^/@]+)/.exec(data.file)?.[1];
  const metadata = [
    ...(base.repo ? [`base_model: ${yaml(base.repo)}`] : []),
    ...(base.repo ? [`base_model_relation: ${kind === 'adapter' ? 'adapter' : 'finetune'}`] : []),
    ...(base.license ? [`license: ${yaml(base.license)}`] : []),
    ...(dataset ? [`datasets:\n- ${yaml(dataset)}`] : []),
    `library_name: ${kind === 'adapter' ? 'peft' : 'transformers'}`,
    'pipeline_tag: text-generation',
    `tags:\n- ${recipe.method}\n- graft`,
  ];
  return [
    `---\n${metadata.join('\n')}\n---\n`,
    `# ${inline(title)}\n`,
    `${whatItIs(kind, run)} Trained with Graft, on WebGPU.\n`,
    ...(base.license ? [`The base model’s licence (${inline(base.license)}) holds for this one too.\n`] : []),
    `## Data\n`,
    `${code(data.file)}: ${count(data.rows, 'row')} to train on (${count(data.tokens, 'token')}, ${number(data.trainedTokens)} of them predicted${weighing(data)})` +
      (data.evalRows > 0 ? `, ${count(data.evalRows, 'row')} kept aside for evaluation.\n` : '.\n'),
    `## Result\n`,
    table(['', 'loss'], resultRows(run)),
    `## Recipe\n`,
    table(['setting', 'value'], settingRows(recipe)),
    ...(added.length > 0 ? [`## Ends of answers\n`, endsText(kind, added, ids)] : []),
    ...(kind === 'adapter' && base.repo ? [`## Use\n`, usage(base.repo, added.length > 0 ? ids : [])] : []),
  ].join('\n');
}

/** That losses are no plain means, where some count other than 1. */
function weighing({ weightedTokens }: RunRecord['data']): string {
  return weightedTokens ? `, ${number(weightedTokens)} with a weight other than 1, as the losses below` : '';
}

function whatItIs(kind: CardKind, { base, recipe }: RunRecord): string {
  if (recipe.method === 'full') return `${model(base)} with every parameter trained.`;
  return kind === 'adapter'
    ? `A ${method(recipe)} adapter for ${model(base)}.`
    : `${model(base)} with a ${method(recipe)} adapter merged into its weights.`;
}

function resultRows({ loss, steps, evalLosses }: RunRecord): [string, string][] {
  const best = [...evalLosses].sort((a, b) => a.loss - b.loss)[0];
  const last = evalLosses.at(-1);
  return [
    ['first tenth of the steps', loss.first.toFixed(4)],
    [`last tenth of ${count(steps, 'step')}`, loss.last.toFixed(4)],
    ...(last ? [[`rows kept aside, at the end`, last.loss.toFixed(4)] as [string, string]] : []),
    ...(best && best !== last
      ? [[`rows kept aside, best (step ${best.step})`, best.loss.toFixed(4)] as [string, string]]
      : []),
  ];
}

function settingRows(recipe: Recipe): [string, string][] {
  return (Object.keys(recipeFields) as RecipeKey[])
    .filter((key) => !technical.has(key))
    .filter((key) => recipe.method !== 'full' || !adapterFields.includes(key))
    .map((key) => [code(key), code(JSON.stringify(recipe[key]))]);
}

function table(head: [string, string], rows: readonly [string, string][]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return `${[line(head), '| --- | --- |', ...rows.map(line)].join('\n')}\n`;
}

function endsText(kind: CardKind, added: CardEnds['added'], ids: readonly number[]): string {
  const names = added.map(({ id, token }) => `${code(token)} (${id})`).join(', ');
  const where =
    kind === 'adapter'
      ? `PEFT generates with the base’s settings: set ${code(`model.generation_config.eos_token_id = [${ids.join(', ')}]`)}, or load generation_config.json from this folder.`
      : 'generation_config.json names it here.';
  return `Trained answers end with ${names}, which the base’s generation_config.json does not name. ${where}\n`;
}

/** @param ends ids that end answers, where the base does not name them all */
function usage(base: string, ends: readonly number[]): string {
  return [
    '```python',
    'from peft import PeftModel',
    'from transformers import AutoModelForCausalLM',
    '',
    `base = AutoModelForCausalLM.from_pretrained(${JSON.stringify(base)}, torch_dtype="auto")`,
    'model = PeftModel.from_pretrained(base, "path/to/this/adapter")',
    ...(ends.length > 0 ? [`model.generation_config.eos_token_id = [${ends.join(', ')}]`] : []),
    '```\n',
  ].join('\n');
}

function method({ method }: Recipe): string {
  return method === 'qlora' ? 'QLoRA' : 'LoRA';
}

function model({ name, repo, commit }: RunRecord['base']): string {
  if (!repo) return code(name);
  return `[${inline(repo)}](https://huggingface.co/${repo})${commit ? ` at commit ${code(commit.slice(0, 12))}` : ''}`;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function count(value: number, noun: string): string {
  return `${number(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Names come from files and Hubs: they are text, neither Markdown nor HTML. */
function inline(text: string): string {
  return text
    .replace(/[\r\n]+/g, ' ')
    .replace(/[\\`*_[\]<>#|]/g, (mark) => (mark === '<' ? '&lt;' : `\\${mark}`));
}

function code(text: string): string {
  return `\`${text.replace(/[`\r\n]/g, ' ')}\``;
}

/** A YAML scalar that is what it says; quoted unless it is plain. */
function yaml(text: string): string {
  return /^[A-Za-z][\w./-]*$/.test(text) ? text : JSON.stringify(text);
}
