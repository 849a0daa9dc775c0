import type { runsErrors } from '../../../../../base/lib/errorTexts/runs.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const runsErrorsZh = {
  'runs.not_written': {
    what: '写入训练任务“{file}”的内容与读回的不一致，因此不算已保存；之前保存的状态完好无损。',
    next: '请腾出一些空间后重试；如果再次发生，磁盘可能有故障。',
  },
  'runs.damaged': {
    what: '训练任务的文件“{file}”缺失、不完整，或与保存时不同。',
    next: '请从更早的检查点继续。',
  },
  'runs.data_damaged': {
    what: '与训练任务“{run}”一起保存的数据集在“{file}”处损坏，因此无法用同样的数据继续。',
    next: '请用数据文件开始新的训练；这个任务已训练的结果仍可试用和导出。',
  },
  'runs.none_left': {
    what: '训练任务“{run}”没有完好的检查点（试了 {count} 个）；第一个错在“{file}”。',
    next: '请重新开始训练：它的配方和数据都还在。',
  },
  'runs.no_such_step': { what: '训练任务“{run}”没有第 {step} 步的检查点。', next: '请选择其他检查点。' },
  'runs.not_found': { what: '没有训练任务“{run}”。', next: '请重新查看训练记录。' },
  'runs.header_damaged': {
    what: '训练任务“{run}”无法读取：它的两份文件头都已损坏。',
    next: '请删除它，或从文件重新导入。',
  },
  'runs.in_use': {
    what: '训练任务“{run}”已在另一个标签页或进程中打开。',
    next: '请在那里关闭它，然后重试。',
  },
  'runs.read_only': {
    what: '训练任务“{run}”属于另一个标签页或进程，在这里只能查看。',
    next: '请到那个标签页继续，或关闭它后重新打开这个训练任务。',
  },
  'runs.taken_over': {
    what: '训练任务“{run}”已被另一个标签页或进程接管，或已被删除，因此这里不再向它保存任何内容。',
    next: '请导出这里已训练的结果，或到另一处继续。',
  },
  'runs.closed': { what: '训练任务“{run}”已关闭。', next: '请重新打开它。' },
  'runs.not_an_archive': {
    what: '文件“{file}”不是导出的训练任务：{detail}。',
    next: '请选择用“导出训练记录”保存的文件。',
  },
  'runs.archive_damaged': {
    what: '导出的训练任务“{file}”已损坏：其中“{part}”与保存时不同。没有导入任何内容。',
    next: '请重新复制或导出该文件。',
  },
  'runs.archive_newer': {
    what: '导出的训练任务“{file}”来自更新版本的 Graft（格式 {version}，当前最高支持 {known}）。',
    next: '请重新加载页面，以使用最新的 Graft。',
  },
  'runs.sweep_not_found': {
    what: '没有超参搜索“{sweep}”。',
    next: '请重新查看超参搜索的列表，或开始新的搜索。',
  },
  'runs.sweep_damaged': {
    what: '超参搜索“{sweep}”无法读取：它的两份清单都已损坏。',
    next: '请开始新的搜索；它的各次训练完好，仍在训练记录中。',
  },
  'runs.sweep_no_rows': {
    what: '超参搜索“{sweep}”已没有保存着数据的训练，无法继续。',
    next: '请用数据开始新的超参搜索。',
  },
  'runs.sweep_in_use': {
    what: '超参搜索“{sweep}”已在另一个标签页或进程中打开。',
    next: '请在那里继续，或在那里关闭后重试。',
  },
} satisfies TranslatedErrors<typeof runsErrors>;
