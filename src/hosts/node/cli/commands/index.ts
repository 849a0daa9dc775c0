import type { Command } from '../command.ts';
import { cache } from './cache.ts';
import { data } from './data.ts';
import { evaluate } from './eval.ts';
import { evaluateAnswers } from './evaluate.ts';
import { exportModel } from './export.ts';
import { fetchModel } from './fetch.ts';
import { generate } from './generate.ts';
import { job } from './job.ts';
import { lrRange } from './lrRange.ts';
import { merge } from './merge.ts';
import { mix } from './mix.ts';
import { plan } from './plan.ts';
import { profile } from './profile.ts';
import { push } from './push.ts';
import { quantize } from './quantize.ts';
import { sweep } from './sweep.ts';
import { train } from './train.ts';
import { tune } from './tune.ts';

/** The commands of `graft`, in the order of its help. */
export const commands: readonly Command[] = [
  data,
  train,
  sweep,
  evaluate,
  evaluateAnswers,
  generate,
  merge,
  mix,
  exportModel,
  job,
  plan,
  profile,
  tune,
  lrRange,
  quantize,
  fetchModel,
  push,
  cache,
];
