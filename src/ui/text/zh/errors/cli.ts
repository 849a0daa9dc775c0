import type { cliErrors } from '../../../../lib/errorTexts/cli.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const cliErrorsZh = {
  'cli.unknown_command': {
    what: '“{command}”不是命令。',
    next: '可用的有 {known}；“graft help”会列出各自的选项。',
  },
  'cli.bad_option': { what: '{detail}', next: '用法：{usage}' },
  'cli.missing_option': { what: '缺少选项 --{option}。', next: '用法：{usage}' },
  'cli.bad_value': { what: '选项 --{option} 的值是“{value}”，应为 {expected}。', next: '用法：{usage}' },
  'cli.nothing_to_push': {
    what: '“{folder}”里既没有适配器（adapter_config.json），也没有模型（config.json 和 safetensors）。',
    next: '请给出 train 或 merge 写出的文件夹。',
  },
  'cli.not_in_cache': { what: '缓存里没有“{repo}”（{commit}）。', next: '“graft cache”会列出缓存内容。' },
  'cli.output_exists': { what: '输出文件夹“{folder}”不是空的。', next: '请选一个新的或空的文件夹。' },
  'cli.run_exists': {
    what: '“{folder}”里已经有一个训练任务。',
    next: '加上 --resume 接着训练，或换一个新文件夹。',
  },
  'cli.no_gpu': {
    what: '没有找到显卡，连软件模拟的也没有{detail}。',
    next: '请安装 Vulkan 驱动；没有 GPU 时，mesa-vulkan-drivers（Debian、Ubuntu）也可以用。',
  },
  'cli.loss_not_finite': {
    what: '损失不是有限值。',
    next: '请检查模型和适配器的权重里有没有 NaN 或无穷大；如果用了 --dtype f16，请试试 f32。',
  },
} satisfies TranslatedErrors<typeof cliErrors>;
