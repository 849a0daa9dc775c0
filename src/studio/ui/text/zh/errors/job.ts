import type { jobErrors } from '../../../../../base/lib/errorTexts/job.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const jobErrorsZh = {
  'job.setting': {
    what: '集群任务无法沿用“{key}” = “{value}”：那边的训练不会算出同样的结果，损失会不一样。',
    next: '请用“{key}” = “{instead}”开始训练。',
  },
  'job.experts': {
    what: '无法用带专家（MoE）的模型生成集群任务：那边的引擎以另一种布局保存和训练其适配器。',
    next: '请在这里继续训练，或导出适配器后在那边开始新的训练。',
  },
  'job.inside': {
    what: '无法用更大模型中的语言模型生成集群任务：那边的引擎会加载整个模型。',
    next: '请在这里继续训练，或导出适配器后在那边开始新的训练。',
  },
  'job.tied_head': {
    what: '此适配器训练的嵌入同时是绑定的输出头“{module}”，集群任务无法表达。',
    next: '请在这里继续训练，或训练一个不带“ensure_weight_tying”的适配器。',
  },
  'job.nothing_left': {
    what: '训练任务“{run}”已经完成：全部 {steps} 步都已训练。',
    next: '请导出结果，或用更多步数开始新的训练。',
  },
  'job.not_a_job': {
    what: '“{folder}”不是集群任务的文件夹：{detail}。',
    next: '请选择由“graft job”或“在集群上继续”生成、含有“job.json”的文件夹。',
  },
  'job.newer': {
    what: '集群任务“{folder}”由更新版本的 Graft 生成（格式 {version}；此版本最高读取 {known}）。',
    next: '请更新 Graft，或重新加载页面。',
  },
  'job.changed': {
    what: '集群任务的文件“{file}”缺失，或与导出时不同。没有导入任何内容。',
    next: '请重新复制文件夹，或重新导出任务。',
  },
  'job.result': {
    what: '“{file}”中的结果无法使用：{detail}。没有导入任何内容。',
    next: '请重新复制“train.py”写出的“result”文件夹，或重新运行任务。',
  },
} satisfies TranslatedErrors<typeof jobErrors>;
