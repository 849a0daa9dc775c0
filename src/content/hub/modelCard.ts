import { adapterFields, recipeFields, type Recipe, type RecipeKey } from '../../base/config/recipe.ts';
import type { ExportKind, UsageFacts } from './usage.ts';
import { usageText } from './usageText.ts';
import type { RunRecord } from '../../base/config/runRecord.ts';

/** The subject of a card. */
export type CardKind = ExportKind;

/** Settings that only affect where data is held during training, not its results: left out of the card. */
const technical: ReadonlySet<RecipeKey> = new Set<RecipeKey>(['memory_budget']);

/** Tokens that end answers but are not named in the base's generation_config.json, and the ids of all end tokens. */
export interface CardEnds {
  added: readonly { id: number; token: string }[];
  ids: readonly number[];
}

/** What a card says of how the model is used. */
export interface CardUsage {
  facts: UsageFacts;
  /** Whether the merged weights are stored in 4 bits. */
  quantized: boolean;
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
  usage: CardUsage | null = null,
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
    `${whatItIs(kind, run)} Trained with Graft on WebGPU.${elsewhereText(run)}\n`,
    ...(base.license ? [`The license of the base model (${inline(base.license)}) applies.\n`] : []),
    `## Data\n`,
    `${code(data.file)}: ${count(data.rows, 'training row')} (${count(data.tokens, 'token')}, loss on ${number(data.trainedTokens)}${weighing(data)})` +
      evaluationText(data),
    `## Results\n`,
    table(['', 'loss'], resultRows(run)),
    `## Recipe\n`,
    table(['setting', 'value'], settingRows(recipe)),
    ...(added.length > 0 ? [`## End tokens\n`, endsText(kind, added, ids)] : []),
    ...(usage ? [usageText(kind, usage.facts, usage.quantized)] : []),
  ].join('\n');
}

/** Which steps were done on a cluster. */
function elsewhereText({ elsewhere = [] }: RunRecord): string {
  const visits = elsewhere.map(({ from, to, ranks, versions }) => {
    const programs = ['transformers', 'torch'].map((name) => inline(`${name} ${versions[name] ?? '?'}`));
    return ` Steps ${number(from)} to ${number(to)} were trained on a cluster with ${programs.join(' and ')}, on ${count(ranks, 'rank')}.`;
  });
  return visits.join('');
}

/** A note that losses are weighted means, if some weights are not 1. */
function weighing({ weightedTokens }: RunRecord['data']): string {
  return weightedTokens
    ? `, ${number(weightedTokens)} with a weight other than 1, as in the losses below`
    : '';
}

function whatItIs(kind: CardKind, { base, recipe }: RunRecord): string {
  if (recipe.method === 'full') return `${model(base)} with all parameters fine-tuned.`;
  return kind === 'adapter'
    ? `A ${method(recipe)} adapter for ${model(base)}.`
    : `${model(base)} with a ${method(recipe)} adapter merged into its weights.`;
}

function resultRows({ loss, steps, evalLosses }: RunRecord): [string, string][] {
  const before = evalLosses.find(({ step }) => step === 0);
  const trained = evalLosses.filter(({ step }) => step > 0);
  const best = [...trained].sort((a, b) => a.loss - b.loss)[0];
  const last = trained.at(-1);
  return [
    ['training loss, first 10% of the steps', loss.first.toFixed(4)],
    [`training loss, last 10% of ${count(steps, 'step')}`, loss.last.toFixed(4)],
    ...(before ? [['eval loss, before training', before.loss.toFixed(4)] as [string, string]] : []),
    ...(last ? [[`eval loss, at the end`, last.loss.toFixed(4)] as [string, string]] : []),
    ...(best && best !== last
      ? [[`eval loss, best (step ${best.step})`, best.loss.toFixed(4)] as [string, string]]
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
      ? `PEFT generates with the base model’s settings: set ${code(`model.generation_config.eos_token_id = [${ids.join(', ')}]`)}, or load generation_config.json from this folder.`
      : 'The generation_config.json here lists it.';
  return `Trained answers end with ${names}, which the base model’s generation_config.json does not list. ${where}\n`;
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

/** Names come from files and Hubs: escapes Markdown and HTML. */
function inline(text: string): string {
  return text
    .replace(/[\r\n]+/g, ' ')
    .replace(/[\\`*_[\]<>#|]/g, (mark) => (mark === '<' ? '&lt;' : `\\${mark}`));
}

function code(text: string): string {
  return `\`${text.replace(/[`\r\n]/g, ' ')}\``;
}

/** A YAML scalar, quoted unless it is plain. */
function yaml(text: string): string {
  return /^[A-Za-z][\w./-]*$/.test(text) ? text : JSON.stringify(text);
}

/** Which rows the loss was measured on, beside those of training. */
function evaluationText({ evalRows, validation }: RunRecord['data']): string {
  if (evalRows === 0) return '.\n';
  const rows = count(evalRows, 'row');
  return validation === undefined
    ? `, ${rows} held out for evaluation.\n`
    : `. Evaluated on ${rows} of ${code(validation)}.\n`;
}
