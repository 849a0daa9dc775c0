import { shortJson } from '../lib/shortJson.ts';
import type { Recipe, RecipeKey } from './recipe.ts';

const methods: Record<Recipe['method'], string> = { lora: 'LoRA', qlora: 'QLoRA', full: 'Full' };

/**
 * What a run is called: how it trains, and on what: “QLoRA r16 2e-3, pirate-talk”, “DPO LoRA r8 3e-4, pairs”.
 * @param data name of the data file, its path, or its address on a Hub
 */
export function runName(recipe: Pick<Recipe, 'method' | 'rank' | 'lr' | 'objective'>, data: string): string {
  const { method, rank, lr, objective } = recipe;
  const aim = objective === 'sft' ? [] : [objective.toUpperCase()];
  const rankPart = method === 'full' ? [] : [`r${rank}`];
  return `${[...aim, methods[method], ...rankPart, rateText(lr)].join(' ')}, ${dataName(data)}`;
}

/**
 * What a run of a sweep is called: what sets it apart from the others, and on what it trains: “lr 3e-4, rank 16, pirate-talk”.
 * @param keys the settings in which the sweep's recipes differ
 */
export function sweepRunName(recipe: Recipe, keys: readonly RecipeKey[], data: string): string {
  return [...keys.map((key) => `${key} ${settingText(recipe[key])}`), dataName(data)].join(', ');
}

/** A setting in few characters, as it is written in a recipe. */
export function settingText(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && value !== 0 && Math.abs(value) < 0.01
    ? rateText(value)
    : shortJson(value, 40);
}

/** A name that none of `taken` has: with a number behind it where needed. */
export function uniqueName(name: string, taken: Iterable<string>): string {
  const others = new Set(taken);
  if (!others.has(name)) return name;
  const [, stem = name] = /^(.*) \(\d+\)$/u.exec(name) ?? [];
  for (let n = 2; ; n++) if (!others.has(`${stem} (${n})`)) return `${stem} (${n})`;
}

/** 2e-3, 2.5e-4: as learning rates are written. */
function rateText(rate: number): string {
  return Number(rate.toPrecision(3)).toExponential().replace('e+', 'e');
}

/** The file's name alone, without what says how it is stored. */
function dataName(data: string): string {
  const file = data.split(/[\\/]/).at(-1) ?? data;
  return (
    file.replace(/\.(gz|zst)$/i, '').replace(/(?<=.)\.(jsonl|json|ndjson|csv|tsv|parquet|txt|md)$/i, '') ||
    data
  );
}
