import type { dataTexts } from '../en/data.ts';
import type { Translated } from '../phrase.ts';

/** Step 2: the data. */
export const dataTextsZh = {
  // Data
  'data.drop': '把数据文件拖到这里',
  'data.dropHint': '支持 JSONL、JSON、Parquet 和纯文本，格式自动识别。',
  'data.chooseFile': '选择数据文件',
  'data.sample': '使用示例数据',
  'data.sampleHint': '机器人故事：240 条英文短文，主角是名叫 Zip 的机器人。',
  'data.reading': '正在读取 {name}',
  'data.tokenizing': '正在把数据转换为 token',
  'data.format': '格式',
  'data.rows': '条数',
  'data.evalRows': '留作评估',
  'data.tokensTotal': 'token 总数',
  'data.trained': '参与训练',
  'data.trainedShare': '占全部的 {share}',
  'data.longest': '最长一条',
  'data.cut': '超过 {max} 被截断',
  'data.cutNone': '无',
  'data.cutRows': '{n} 条',
  'data.cutNote':
    '{n} 条数据超过 {max} 个 token，末尾会被截去（共 {tokens} 个 token）。调大“截断长度”即可保留。',
  'data.cutNoteContext': '{n} 条数据超过模型 {max} 个 token 的上下文，末尾会被截去（共 {tokens} 个 token）。',
  'data.waitsForModel': '选好模型后，即可看到它眼中的这些数据。',
  'data.problems': '{n} 条数据无法使用，已排除',
  'data.problemsMore': '还有 {n} 条',
  'data.preview': '模型看到的样子',
  'data.previewFacts': '文件第 {line} 行 · {tokens} 个 token',
  'data.previous': '上一条',
  'data.next': '下一条',
  'data.goTo': '数据序号',
  'data.mark': '标出参与训练的 token',
  'data.legendTrained': '参与训练',
  'data.legendMasked': '仅作上下文，不训练',
  'data.trainedStart': '训练部分开始：',
  'data.trainedEnd': ' 训练部分结束。 ',
  'data.histogram': '每条数据的 token 数',
  'data.histogramSummary': '数据的 token 长度分布：共 {rows} 条，最长 {longest} 个 token。',
  'data.histogramBar': '{from}–{to} 个 token：{n} 条',

  // Formats of data
  'format.messages': '对话（messages）',
  'format.sharegpt': '对话（ShareGPT）',
  'format.alpaca': '指令（Alpaca）',
  'format.prompt_completion': '提示词与续写（prompt / completion）',
  'format.qwen': '对话（Qwen）',
  'format.text': '纯文本',
  'format.tokenized': '已分词（input_ids、labels）',
} as const satisfies Translated<typeof dataTexts>;
