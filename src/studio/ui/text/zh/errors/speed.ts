import type { speedErrors } from '../../../../../base/lib/errorTexts/speed.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const speedErrorsZh = {
  'speed.stopped': { what: '性能测试没有做完就停止了。', next: '随时可以重新开始：会从头测量。' },
  'speed.device_failed': {
    what: '性能测试提前结束：{reason}',
    next: '请关闭其他占用 GPU 的程序后重试，或选择快速测试。',
  },
} satisfies TranslatedErrors<typeof speedErrors>;
