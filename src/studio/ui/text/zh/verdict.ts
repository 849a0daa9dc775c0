import type { verdictTexts } from '../en/verdict.ts';
import type { Translated } from '../phrase.ts';

/** What a training came to. */
export const verdictTextsZh = {
  'verdict.by.evaluation': '在留出的数据上测得，训练前与训练后。',
  'verdict.by.training': '没有留出数据，因此取最初与最后十分之一步数的平均值。',
  'verdict.by.steps': '第一步和最后一步的损失：步数太少，无法进一步判断。',
  'verdict.same': '没有变化。',
  'verdict.worse': '变差了。',
  'verdict.overfit': '留出数据的损失在第 {step} 步最低（{loss}），之后又上升了。',
  'verdict.repetition': '对“{prompt}”的回答在重复。',
  'verdict.next.tryIt': '下一步：比较使用和不使用适配器的回答。',
  'verdict.next.lowerRate': '下一步：用更低的学习率重新训练。',
  'verdict.next.raiseRate': '下一步：训练更久，或提高学习率。',
  'verdict.next.fewerSteps': '下一步：减少训练步数，或打开“结束时加载最佳”。',
  'verdict.next.moreRows': '下一步：降低学习率，或增加更多样的数据。',
} as const satisfies Translated<typeof verdictTexts>;
