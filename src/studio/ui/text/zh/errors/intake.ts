import type { intakeErrors } from '../../../../../base/lib/errorTexts/intake.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const intakeErrorsZh = {
  'intake.nothing': {
    what: '文件夹 {name} 里没有可读取的文件。',
    next: '请选择模型的文件夹，或一个数据文件。',
  },
  'intake.too_many': {
    what: '其中超过 {limit} 个文件，不是模型文件夹，也不是数据集。',
    next: '请选择模型自己的文件夹，或其中的数据文件。',
  },
  'intake.pickle': {
    what: '{file} 是 PyTorch 检查点（pickle），打开时可能运行其中的程序，因此 Graft 从不打开它。',
    next: '请在 Python 中加载它，再存为 safetensors："model.save_pretrained("DIR", safe_serialization=True)"。然后选择该文件夹。',
  },
  'intake.weights_alone': {
    what: '{file} 只有权重，缺少说明模型结构的 config.json。',
    next: '请选择模型的整个文件夹，其中包括 config.json 和 tokenizer.json。',
  },
  'intake.spreadsheet': {
    what: '{file} 是{kind}，Graft 不能读取。',
    next: '请在表格软件中把工作表另存为 CSV（UTF-8），再选择该文件。',
  },
  'intake.document': {
    what: '{file} 是{kind}，Graft 不能读取。',
    next: '如要用其中的文字训练，请另存为纯文本（.txt）；或把样本写成 JSONL，每行一个 JSON 对象。',
  },
  'intake.media': {
    what: '{file} 是{kind}，而 Graft 用文本训练。',
    next: '请把希望模型学习的内容写成文本：JSONL、CSV 或 .txt。',
  },
  'intake.archive': {
    what: '{file} 是{kind}，Graft 不能解压。',
    next: '请先解压，再选择其中的文件。压缩文件中，.gz、.zst 和 .zip 可以直接读取。',
  },
  'intake.table': {
    what: '{file} 是{kind}，Graft 不能读取。',
    next: '请用 Python 转换为 Parquet 或 JSONL，例如用 Dataset.to_parquet 或 Dataset.to_json。',
  },
  'intake.other': {
    what: '{file} 是{kind}，既不是模型也不是数据。',
    next: '请选择 Hugging Face 格式的模型文件夹，或 JSONL、JSON、CSV、Parquet 或文本格式的数据。',
  },
  'intake.zip_empty': {
    what: '{file} 是 zip 文件，但其中没有 Graft 能打开的内容。',
    next: '请选择模型文件夹、适配器或数据文件的 zip，或 Graft 导出的文件。',
  },
  'intake.zip_in_zip': {
    what: '{file} 是 zip 里的 zip。',
    next: '请先解压外层的 zip，再选择 {file}。',
  },
  'data.encoding_unclear': {
    what: '{file} 不是 UTF-8，而按多种编码都读得通，或都读不通（{encodings}）。',
    next: '请选择能正确显示其文字的编码，例如 "{first}"，或把文件存为 UTF-8。',
  },
  'data.unpack_failed': {
    what: '{file} 无法解压（{compression}）：文件已损坏、不完整，或由多个部分组成（{detail}）。',
    next: '请重新下载。如果 "{command}" 能解压它，请选择解压后的文件。',
  },
  'data.unpack_bomb': {
    what: '{file} 从 {read} KiB 解压出超过 {size} MiB，真实的数据不会如此。',
    next: '如果它确实这么大，请自行解压，再选择解压后的文件。',
  },
  'data.unpack_window': {
    what: '{file} 解压需要 {window} MiB 内存，上限是 {limit} MiB。',
    next: '请用 "unzstd --long=31" 解压，再选择解压后的文件。',
  },
  'data.unpack_parquet': {
    what: '{file} 是压缩过的 Parquet 文件，太大而无法直接读取。',
    next: '请先解压，再选择其中的 Parquet 文件；它本身已经压缩。',
  },
  'data.zip_broken': {
    what: '{file} 是已损坏或不完整的 zip 文件。',
    next: '请重新下载或重新打包。',
  },
  'data.zip_path': {
    what: '{file} 里有一个文件的路径不安全或重复出现："{path}"。',
    next: '请在可信的地方解压，再选择其中的文件。',
  },
  'data.zip_method': {
    what: '{file} 压缩 "{path}" 的方法不受支持（编号 {method}）。',
    next: '请重新打包为普通的 zip（deflate），或解压后选择其中的文件。',
  },
  'data.zip_encrypted': {
    what: '{file} 受密码保护。',
    next: '请先解压，再选择其中的文件。',
  },
  'data.zip_too_many': {
    what: '{file} 里有 {count} 个文件，上限是 {limit}。',
    next: '请先解压，再选择需要的文件。',
  },
} satisfies TranslatedErrors<typeof intakeErrors>;
