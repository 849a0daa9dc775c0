import type { commonTexts } from '../en/common.ts';
import type { Translated } from '../phrase.ts';

/** What any step may say: errors, questions, milestones, units. */
export const commonTextsZh = {
  // Errors and questions
  'error.unexpected': '发生了意料之外的错误：{message}',
  'error.unexpectedNext': '请再试一次。如果再次出现，请复制详细信息并反馈给我们。',
  'error.dismiss': '关闭提示',
  'error.dismissName': '关闭提示：{name}',
  'error.copy': '复制详细信息',
  'error.copied': '已复制',
  'error.boundary': '页面遇到了无法处理的错误。',
  'error.boundaryNext': '请重新加载页面，并复制详细信息反馈给我们。',
  'error.reload': '重新加载',
  'error.step': '这个页面遇到了无法处理的错误。其他页面仍可使用，训练也会继续。',
  'error.stepNext': '请重新显示这个页面。如果再次出错，请复制详细信息（不含你的数据）反馈给我们。',
  'error.drawAgain': '重新显示',
  'question.discard': '要丢弃适配器吗？',
  'question.retrain': '要从头重新训练吗？',
  'question.text': '训练好的适配器还没有保存，继续操作会丢失它。',
  'question.discard.yes': '丢弃并继续',
  'question.retrain.yes': '丢弃并训练',
  'question.no': '取消',
  'question.remove': '要删除 {repo} 吗？',
  'question.removeText': '将在本机释放 {size}。再次使用时需要重新下载。',
  'question.remove.yes': '删除',

  // The rest of a long help
  'help.more': '展开',
  'help.less': '收起',
  'help.moreAbout': '展开“{label}”的说明',
  'help.lessAbout': '收起“{label}”的说明',

  // Announced to screen readers
  'say.modelReady': '模型 {name} 已打开。',
  'say.modelsFound': '找到 {n} 个模型。',
  'say.downloadDone': '{name} 已下载完成。',
  'say.dataReady': '{n} 条数据已就绪。',
  'say.trainingStarted': '训练已开始，共 {n} 步。',
  'say.trainingProgress': '训练已完成百分之 {percent}，平滑损失 {loss}。',
  'say.trainingDone': '训练完成，平滑损失 {loss}。',
  'say.profileDone': '第 {step} 步的性能剖析已完成。',
  'say.trainingFailed': '训练因错误而停止。',
  'say.answersDone': '回答已生成完毕。',
  'say.benchmarkDone': '性能测试已完成。',
  'say.exportDone': '{name} 已就绪。',
  'say.pushDone': '{name} 已推送到 Hub。',

  // What a long step is at
  'phase.weights': '正在加载权重',
  'phase.adapter': '正在准备适配器',
  'phase.answering': '正在回答你的提示',
  'phase.firstStep': '第一步',
  'phase.evaluating': '正在评估留出的数据',
  'phase.merging': '正在合并',
  'phase.proving': '正在读回并校验',
  'phase.ceilings': '设备的性能上限',

  // Units
  'unit.comma': '、',
  'unit.sentences': '{first}{second}',
  'unit.seconds': '{s} 秒',
  'unit.minutes': '{min} 分 {s} 秒',
  'unit.hours': '{h} 小时 {min} 分',
  'unit.bytes': '{done} / {total}',
  'unit.counted': '{done} / {total} {unit}',
  'unit.name.rows': '条',
  'unit.name.steps': '步',
  'unit.name.tensors': '个张量',
  'unit.name.tokens': '个 token',
  'unit.name.measurements': '项',
  'unit.name.weights': '个权重',
} as const satisfies Translated<typeof commonTexts>;
