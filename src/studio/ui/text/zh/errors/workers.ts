import type { workersErrors } from '../../../../../base/lib/errorTexts/workers.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const workersErrorsZh = {
  'workers.crashed': {
    what: '{worker} worker 意外停止：{reason}。',
    next: '请重新打开模型。如果再次停止，请减小批大小或换更小的模型。',
  },
  'workers.restarted': {
    what: '引擎不得不重新启动，其中的模型和未保存的适配器都没有了：{reason}',
    next: '请重新打开模型；你的数据和配方都还在。',
  },
  'workers.sample_missing': {
    what: '无法读取示例数据集（状态 {status}）。',
    next: '请确认提供本页面的服务器正在运行，或拖入你自己的文件。',
  },
} satisfies TranslatedErrors<typeof workersErrors>;
