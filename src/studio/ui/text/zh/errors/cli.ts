import type { cliErrors } from '../../../../../base/lib/errorTexts/cli.ts';
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
  'cli.push_link': {
    what: '“{folder}”里的“{file}”是链接而不是文件，没有发送任何内容。',
    next: '请换成文件的副本，或删除链接。',
  },
  'cli.push_declined': { what: '没有发送任何内容。', next: '请重新运行命令并回答 y，或加上 --yes。' },
  'cli.not_in_cache': { what: '缓存里没有“{repo}”（{commit}）。', next: '“graft cache”会列出缓存内容。' },
  'cli.output_exists': { what: '输出文件夹“{folder}”不是空的。', next: '请选一个新的或空的文件夹。' },
  'cli.output_in_use': {
    what: '进程 {pid} 从 {since} 起一直在使用文件夹“{folder}”。',
    next: '请等它结束，或换一个文件夹。',
  },
  'cli.output_in_use_elsewhere': {
    what: '另一台机器、容器或浏览器从 {since} 起一直在使用文件夹“{folder}”。',
    next: '请等它结束，或换一个文件夹。如果它已不再运行，请删除 {file}。',
  },
  'cli.output_changed': {
    what: '输出文件夹“{folder}”里的“{file}”与训练任务写入的不同。',
    next: '请选一个新的或空的文件夹；--resume 仍会从 --checkpoints 继续训练。',
  },
  'cli.file_exists': {
    what: '{folder} 里已经有“{file}”。',
    next: '请换一个名称，或加上 --force 替换它。',
  },
  'cli.file_in_model': {
    what: '“{file}”会写入模型或适配器的文件夹 {folder}（{marker}）。',
    next: '请选择其他文件夹；--force 对此无效。',
  },
  'cli.file_is_input': {
    what: '“{file}”与这个命令要读取的 {input} 是同一个文件。',
    next: '请换一个名称；--force 对此无效。',
  },
  'cli.result_not_written': {
    what: '结果无法写入标准输出（{detail}）。',
    next: '请输出到空间足够的地方，再运行一次命令。',
  },
  'cli.run_exists': {
    what: '“{folder}”里已经有一个训练任务。',
    next: '加上 --resume 接着训练，或换一个新文件夹。',
  },
  'cli.sweep_exists': {
    what: '“{folder}”里已经有一次超参搜索。',
    next: '请加上 --resume 继续它，或换一个新文件夹。',
  },
  'cli.no_gpu': {
    what: '没有找到显卡，连软件模拟的也没有{detail}。',
    next: '请安装 Vulkan 驱动；没有 GPU 时，mesa-vulkan-drivers（Debian、Ubuntu）也可以用。',
  },
  'cli.loss_not_finite': {
    what: '损失不是有限值。',
    next: '请检查模型和适配器的权重里有没有 NaN 或无穷大；如果用了 --dtype f16，请试试 f32。',
  },
  'cli.ollama_name': {
    what: '“{name}”不是 Ollama 的模型名称。',
    next: '请写成 ollama:name、ollama:name:tag 或 ollama:user/name:tag，与 ollama list 显示的一致。',
  },
  'cli.ollama_missing': {
    what: 'Ollama 还没有把“{name}”下载到 {folder}。',
    next: '请先运行 ollama pull，用 ollama list 查看，或把 OLLAMA_MODELS 设为其文件夹。',
  },
  'cli.ollama_no_gguf': {
    what: '“{name}”在 Ollama 文件夹中不是 GGUF 模型。',
    next: '请选择在本机运行的模型，而不是云端模型。',
  },
} satisfies TranslatedErrors<typeof cliErrors>;
