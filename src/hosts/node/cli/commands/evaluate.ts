import { basename } from 'node:path';
import { defaultReading } from '../../../../base/config/reading.ts';
import { GraftError } from '../../../../base/lib/errors.ts';
import { SHOTS_SEED } from '../../../../content/data/rows/choiceShots.ts';
import { writeText } from '../../../../content/formats/text.ts';
import { readSchema } from '../../../../content/metrics/jsonSchema.ts';
import { metricNames, type MetricName } from '../../../../content/metrics/metrics.ts';
import { MAX_NEW_TOKENS, readEvaluation } from '../../../../session/evaluation/evaluationData.ts';
import { judgeAnswers, type Judge } from '../../../../session/evaluation/judge.ts';
import { evaluationReport, reportCsv, type NamedResult } from '../../../../session/evaluation/report.ts';
import { withText } from '../../withText.ts';
import { command } from '../command.ts';
import {
  dataOption,
  encodingOption,
  maskOption,
  modelOptions,
  quantOptions,
  rowsFieldOption,
  weightsOf,
} from '../commonOptions.ts';
import { dataSource } from '../dataset.ts';
import { checkHubAccess } from '../hubAccess.ts';
import { bytes, json, number, optional } from '../options.ts';
import { forceOption, outputFile } from '../outputFile.ts';
import { openModelOf, readAdapterOf, withSession } from '../withSession.ts';
import { log, printText } from '../terminal.ts';

/** Problems reported one by one; the rest is a number. */
const SHOWN_PROBLEMS = 10;

export const evaluateAnswers = command(
  'evaluate',
  'Scores the model and adapters of it on the rows of a data file, and prints the figures as JSON: losses of the targets, greedy answers against those of the rows, and of multiple-choice rows as ARC and MMLU have them the accuracies of lm-evaluation-harness. Differences to the model itself have 95% intervals of a paired bootstrap.',
  {
    ...modelOptions,
    adapters: optional(
      'Model',
      'DIR,DIR',
      'PEFT folders, separated by commas, each compared with the model itself.',
    ),
    ...quantOptions,
    data: dataOption,
    rowsField: rowsFieldOption,
    encoding: encodingOption,
    mask: maskOption,
    limit: {
      ...number('Data', Infinity, { min: 1, integer: true }, 'Takes this many rows, from the first on.'),
      defaultText: null,
    },
    metrics: optional(
      'Evaluation',
      'NAME,NAME',
      `Of ${metricNames.join(', ')}; by default loss, perplexity, exact, contains, rouge-l and chrf, or choice for multiple-choice rows.`,
    ),
    regex: optional('Evaluation', 'PATTERN', 'What the metric regex finds in an answer, as in JavaScript.'),
    schema: json(
      'Evaluation',
      'What the metric schema expects of an answer; keywords that are not understood are refused.',
    ),
    tolerance: number(
      'Evaluation',
      0,
      { min: 0 },
      'How far apart the last numbers may be for the metric number.',
    ),
    shots: number(
      'Evaluation',
      0,
      { min: 0, integer: true },
      'Examples before each multiple-choice question, as lm-evaluation-harness counts and chooses them: drawn for ARC, the first ones for MMLU.',
    ),
    shotsFrom: optional(
      'Evaluation',
      'FILE',
      'The file that examples are taken from; by default the other questions of --data.',
    ),
    shotsSeed: number(
      'Evaluation',
      SHOTS_SEED,
      { min: 0, max: 0xffffffff, integer: true },
      'What examples are drawn with.',
    ),
    judge: optional(
      'Evaluation',
      'URL',
      'An OpenAI-compatible endpoint, such as https://host/v1, that grades answers from 0 to 1. Questions and answers are sent to it, with the key in $GRAFT_JUDGE_KEY.',
    ),
    judgeModel: optional('Evaluation', 'NAME', 'The model that --judge asks.'),
    templateArgs: json('Sampling', 'Variables for the chat template, such as {"enable_thinking": false}.'),
    maxNewTokens: number(
      'Sampling',
      MAX_NEW_TOKENS,
      { min: 1, integer: true },
      'The most tokens of an answer.',
    ),
    batch: number(
      'Sampling',
      64,
      { min: 1, max: 64, integer: true },
      'Answers that are generated together, at most.',
    ),
    decodeMemory: bytes('Sampling', '2GiB', 'The most GPU memory that answers take beside the weights.'),
    seed: number('Evaluation', 0, { min: 0, max: 0xffffffff, integer: true }, 'Of the bootstrap.'),
    json: optional('Output', 'FILE', 'Writes the report with all rows, those that differ first.'),
    csv: optional('Output', 'FILE', 'Writes the rows as CSV.'),
    force: forceOption,
  },
  async (options, usage) => {
    const { model, data, force, shotsFrom } = options;
    checkHubAccess(options, usage, [model, data]);
    const bad = (detail: string) => new GraftError('cli.bad_option', { detail, usage });
    const adapters = options.adapters?.split(',').map((path) => path.trim()) ?? [];
    const metrics = metricsOf(options.metrics, bad);
    const asked = (name: MetricName) => metrics?.includes(name) ?? false;
    const regex = options.regex === undefined ? null : patternOf(options.regex, bad);
    const judge = judgeOf(options.judge, options.judgeModel, bad);
    const hasSchema = Object.keys(options.schema).length > 0;
    if (asked('regex') !== (regex !== null)) throw bad('The metric regex goes with --regex.');
    if (shotsFrom !== undefined && options.shots === 0) throw bad('--shots-from goes with --shots.');
    if (asked('schema') !== hasSchema) throw bad('The metric schema goes with --schema.');
    const schema = hasSchema ? readSchema(options.schema) : null;
    const inputs = {
      model,
      data,
      ...(shotsFrom !== undefined && { 'shots-from': shotsFrom }),
      ...Object.fromEntries(adapters.map((path, i) => [`adapters ${i + 1}`, path])),
    };
    const fileOf = (path: string | undefined) =>
      path === undefined ? null : outputFile(path, { force, inputs });
    const [jsonFile, csvFile] = [fileOf(options.json), fileOf(options.csv)];
    await withSession(async (session) => {
      const { files } = await openModelOf(session, options);
      const opened = [];
      for (const path of adapters) opened.push(await readAdapterOf(session, path));
      const source = await dataSource(data, options);
      const examples = shotsFrom === undefined ? undefined : await dataSource(shotsFrom, options);
      const { mask, templateArgs, rowsField, encoding, tolerance, maxNewTokens, limit } = options;
      const { shots, shotsSeed } = options;
      const rows = await withText(
        files.folder,
        (text) =>
          readEvaluation(source, text, files, {
            metrics,
            regex,
            schema,
            tolerance,
            maxNewTokens,
            rowsField,
            encoding,
            limit,
            shots,
            shotsSeed,
            shotsFrom: examples,
            reading: { ...defaultReading, mask, templateArgs },
          }),
        files.spec.vocabSize,
      );
      reportProblems(rows.problems);
      const results: NamedResult[] = [];
      const names = systemNames(adapters);
      for (const [i, name] of names.entries()) {
        const adapter = i > 0 ? opened[i - 1] : null;
        if (adapter) await session.useAdapter(adapter);
        const { batch, decodeMemory: memoryBudget } = options;
        const use = { strength: adapter ? 1 : 0, weights: weightsOf(options), batch, memoryBudget };
        results.push({ name, result: await session.evaluateRows(rows, use) });
        log(`${name}: ${results.at(-1)!.result.seconds.toFixed(1)} s`);
      }
      if (judge) await judgeAnswers(rows, results, judge);
      const report = evaluationReport(rows, results, { seed: options.seed });
      const { rows: all, problems, ...figures } = report;
      // Before the files, which a full disk may refuse.
      printText(JSON.stringify({ ...figures, rows: all.length, problems: problems.length }, null, 2));
      if (jsonFile) await writeText(jsonFile.folder, jsonFile.file, `${JSON.stringify(report, null, 2)}\n`);
      if (csvFile) await writeText(csvFile.folder, csvFile.file, reportCsv(report));
    });
  },
);

function metricsOf(text: string | undefined, bad: (detail: string) => GraftError): MetricName[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !metricNames.some((known) => known === name));
  if (unknown !== undefined) throw bad(`--metrics has “${unknown}”; known are ${metricNames.join(', ')}.`);
  return metricNames.filter((name) => names.includes(name));
}

function patternOf(pattern: string, bad: (detail: string) => GraftError): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch (error) {
    throw bad(`--regex cannot be read: ${(error as Error).message}.`);
  }
}

/** The judge of the options; null without one. Its key is in the environment alone. */
function judgeOf(
  url: string | undefined,
  model: string | undefined,
  bad: (detail: string) => GraftError,
): Judge | null {
  if ((url === undefined) !== (model === undefined)) throw bad('--judge goes with --judge-model.');
  if (url === undefined || model === undefined) return null;
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const local = parsed !== null && ['localhost', '127.0.0.1', '[::1]'].includes(parsed.hostname);
  if (parsed?.protocol !== 'https:' && !(local && parsed.protocol === 'http:'))
    throw bad('--judge must be an https address, or http on this machine.');
  // Messages name the address, which must hold no secret.
  const { username, password, search, hash } = parsed;
  if (username + password + search + hash !== '')
    throw bad(
      '--judge must be an address without a name, a password, “?” and “#”: its key is $GRAFT_JUDGE_KEY.',
    );
  const key = process.env.GRAFT_JUDGE_KEY?.trim() || null;
  if (key !== null && !/^[\x21-\x7e]+$/.test(key))
    throw bad('$GRAFT_JUDGE_KEY has spaces, line breaks or other characters that no key has.');
  return { url, model, key };
}

/** The model, then each adapter by its folder, or by its path where folders have the same name. */
function systemNames(paths: readonly string[]): string[] {
  const names = paths.map((path) => basename(path));
  return [
    'base',
    ...names.map((name, i) => (names.indexOf(name) === names.lastIndexOf(name) ? name : paths[i]!)),
  ];
}

function reportProblems(problems: readonly { line: number; error: GraftError }[]): void {
  for (const { line, error } of problems.slice(0, SHOWN_PROBLEMS)) log(`Line ${line}: ${error.message}`);
  if (problems.length > SHOWN_PROBLEMS) log(`… and ${problems.length - SHOWN_PROBLEMS} more problems.`);
}
