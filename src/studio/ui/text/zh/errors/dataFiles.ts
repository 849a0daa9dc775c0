import type { dataFilesErrors } from '../../../../../base/lib/errorTexts/dataFiles.ts';
import type { TranslatedErrors } from '../../phrase.ts';

export const dataFilesErrorsZh = {
  'data.kind_unclear': {
    what: '{file} 的内容既不是 JSON，也不是列名已知的表格或 Parquet，文件名也没有说明它是什么。',
    next: '要按纯文本训练请命名为 .txt，表格请命名为 .csv 或 .tsv，JSON 请命名为 .jsonl。',
  },
  'data.bad_utf16': {
    what: '{file} 第 {line} 行有半个 UTF-16 代理对，不是有效字符。',
    next: '请改正这一行，或把文件存为 UTF-8。',
  },
  'data.nul_bytes': {
    what: '{file} 第 {line} 行含有 NUL 字符（零字节），文本里不应有。',
    next: '请确认文件已完整写入并存为 UTF-8，再删除这些字符。',
  },
  'data.rows_field_unclear': {
    what: '{file} 是一个 JSON 对象，其中有多个列表可能是数据：{fields}。',
    next: '请按名称选择其中一个，例如 "{first}"，或把它单独存为一个文件。',
  },
  'data.rows_field_missing': {
    what: '{file} 里没有可作为数据的列表 "{field}"（其中由对象组成的列表：{fields}）。',
    next: '请选择其中一个列表，或不指定字段。',
  },
  'data.row_not_list': {
    what: '{file} 第 {line} 行是{found}，不是与 "columns" 中各列名对应的单元格列表。',
    next: '请把每条数据写成列表，或用 "to_json" 按 "records" 方式保存表格。',
  },
  'data.row_truncated': {
    what: '{file} 第 {line} 行不完整：数据集查看器截断了 {cells}。',
    next: '请下载数据集自己的文件（其 Parquet 文件里有完整的数据）。',
  },
  'data.json_broken_object': {
    what: '{file} 第 {line} 行开始的 JSON 对象有错误，或到第 {at} 行仍未结束。',
    next: '请检查其中的逗号、引号和括号。到下一个以 { 开头的行之前的内容都算在其中。',
  },
  'data.json_missing_comma': {
    what: '{file} 第 {line} 行开始的值前面缺少逗号。',
    next: '请在数组的各条数据之间加上逗号，或去掉 [ 和 ]，每行写一条。',
  },
  'data.json_trailing_comma': {
    what: '{file} 第 {line} 行是 JSON，但后面多了一个逗号。',
    next: '请删除逗号，或把所有数据放在 [ 和 ] 之间。',
  },
  'data.json_bracket_line': {
    what: '{file} 每行一个 JSON 对象，而第 {line} 行只有一个括号。',
    next: '请删除这一行，或把文件写成一个数组：开头是 [，各条之间加逗号，结尾是 ]。',
  },
  'data.json_comment': {
    what: '{file} 第 {line} 行是注释，而 JSON 没有注释。',
    next: '请删除这一行。',
  },
  'data.json_python': {
    what: '{file} 第 {line} 行看起来是 Python 打印的字典（单引号、"None"、"True"），不是 JSON。',
    next: '请用 "json.dumps(row)" 写出数据，不要用 "str(row)"。',
  },
  'data.cell_python': {
    what: '{file} 第 {line} 行：列 "{field}" 的单元格看起来是 Python 打印的列表（单引号），不是 JSON。',
    next: '请在保存表格前用 json.dumps 写出单元格，或把数据存为 JSONL。',
  },
  'data.cell_json': {
    what: '{file} 第 {line} 行：列 "{field}" 的单元格开头像 JSON，但不是有效的 JSON。',
    next: '请在保存表格前用 JSON 库写出单元格，或把数据存为 JSONL。',
  },
  'data.columns_differ': {
    what: '{file} 按列存放，而各列长度不同：{columns}。',
    next: '请让每一列对每条数据都有值，或把每条数据存为一个 JSON 对象。',
  },
} satisfies TranslatedErrors<typeof dataFilesErrors>;
