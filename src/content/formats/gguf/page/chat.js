// Chats with the model beside this page, in this page: llama.cpp as WebAssembly (wllama), and nothing from elsewhere.
import { Wllama } from './wllama.js';

const english = {
  loading: 'Loading the model: {done} of {total} MB',
  starting: 'Starting the model…',
  ready: 'Ready. Everything stays in this browser.',
  failed: 'The model could not be started: {reason}',
  failedAnswer: 'The answer failed: {reason}',
  missing: '{file}: status {status}',
  system: 'System prompt',
  prompt: 'Message',
  send: 'Send',
  stop: 'Stop',
  new: 'New chat',
  user: 'You',
  assistant: 'Model',
  temperature: 'Temperature',
  speed: '{rate} tokens/s',
};
const chinese = {
  loading: '正在加载模型：{done} / {total} MB',
  starting: '正在启动模型…',
  ready: '已就绪。一切都留在这个浏览器里。',
  failed: '无法启动模型：{reason}',
  failedAnswer: '回答失败：{reason}',
  missing: '{file}：状态 {status}',
  system: '系统提示',
  prompt: '消息',
  send: '发送',
  stop: '停止',
  new: '新对话',
  user: '你',
  assistant: '模型',
  temperature: '温度',
  speed: '{rate} 词元/秒',
};

const isChinese = /^zh\b/i.test(navigator.language);
const texts = isChinese ? chinese : english;
const t = (key, params = {}) => texts[key].replace(/\{(\w+)\}/g, (_, name) => params[name]);
const byId = (id) => document.getElementById(id);
const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/** `{ title, files: [{ name, size }], context, sampling }`, as the export wrote it. */
const settings = JSON.parse(byId('settings').textContent);
const [turns, prompt, system, status] = ['turns', 'prompt', 'system', 'status'].map(byId);
const quiet = { debug() {}, log() {}, warn: console.warn, error: console.error };
const engine = new Wllama({ default: './wllama.wasm' }, { logger: quiet });
// Otherwise browsers that lack what it needs would load another build from elsewhere.
engine.setCompat(null);
let messages = [];
/** Ends the answer under way; null while there is none. */
let answering = null;

function label() {
  document.documentElement.lang = isChinese ? 'zh' : 'en';
  document.title = settings.title;
  document.querySelector('h1').textContent = settings.title;
  byId('system-label').textContent = t('system');
  document.querySelector('label[for=prompt]').textContent = t('prompt');
  document.querySelector('.temperature span').textContent = t('temperature');
  for (const id of ['send', 'stop', 'new']) byId(id).textContent = t(id);
  byId('temperature').value = String(settings.sampling.temperature ?? 0);
}

/** Reads the model's files, one after another, and says how far it is. */
async function readModel() {
  const total = settings.files.reduce((sum, { size }) => sum + size, 0);
  const megabytes = (bytes) => Math.ceil(bytes / 1e6);
  let done = 0;
  const files = [];
  for (const { name } of settings.files) {
    const response = await fetch(name);
    if (!response.ok) throw new Error(t('missing', { file: name, status: response.status }));
    const counted = new TransformStream({
      transform(chunk, out) {
        done += chunk.byteLength;
        byId('loading').value = done / total;
        status.textContent = t('loading', { done: megabytes(done), total: megabytes(total) });
        out.enqueue(chunk);
      },
    });
    files.push(new File([await new Response(response.body.pipeThrough(counted)).blob()], name));
  }
  return files;
}

async function start() {
  try {
    const files = await readModel();
    status.textContent = t('starting');
    // On the CPU: it computes the same everywhere. Several threads are used where the host isolates the page.
    await engine.loadModel(files, {
      n_ctx: settings.context,
      n_gpu_layers: 0,
      n_parallel: 1,
      reasoning_format: 'none',
    });
    status.textContent = t('ready');
    byId('loading').hidden = true;
    byId('send').disabled = byId('new').disabled = false;
    prompt.focus();
  } catch (error) {
    byId('loading').hidden = true;
    status.textContent = t('failed', { reason: messageOf(error) });
  }
}

/** Shows a turn, and returns where its text goes. */
function showTurn(role, text) {
  const item = document.createElement('li');
  item.className = role;
  const name = document.createElement('b');
  name.textContent = t(role);
  const content = document.createElement('span');
  content.textContent = text;
  item.append(name, content);
  turns.append(item);
  return content;
}

/** The answer as it comes: texts, and at last how fast they came. */
async function* answer(signal) {
  const temperature = byId('temperature').valueAsNumber || 0;
  const options = { ...settings.sampling, temperature, stream: true, abortSignal: signal };
  const before = system.value.trim() === '' ? [] : [{ role: 'system', content: system.value }];
  const chunks =
    engine.getChatTemplate() === null
      ? await engine.createCompletion({ ...options, prompt: messages.at(-1).content })
      : await engine.createChatCompletion({ ...options, messages: [...before, ...messages] });
  for await (const { choices, timings } of chunks) {
    yield { text: choices[0]?.delta?.content ?? choices[0]?.text ?? '', timings };
  }
}

async function ask() {
  const text = prompt.value;
  if (answering || text.trim() === '') return;
  answering = new AbortController();
  const { signal } = answering;
  byId('send').disabled = byId('new').disabled = true;
  byId('stop').hidden = false;
  byId('speed').textContent = status.textContent = '';
  prompt.value = '';
  messages.push({ role: 'user', content: text });
  showTurn('user', text);
  const content = showTurn('assistant', '');
  try {
    for await (const part of answer(signal)) {
      content.textContent += part.text;
      if (part.timings)
        byId('speed').textContent = t('speed', { rate: part.timings.predicted_per_second.toFixed(1) });
      content.scrollIntoView({ block: 'nearest' });
    }
  } catch (error) {
    if (!signal.aborted) status.textContent = t('failedAnswer', { reason: messageOf(error) });
  }
  messages.push({ role: 'assistant', content: content.textContent });
  answering = null;
  byId('stop').hidden = true;
  byId('send').disabled = byId('new').disabled = false;
  prompt.focus();
}

document.querySelector('form').addEventListener('submit', (event) => {
  event.preventDefault();
  void ask();
});
prompt.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!byId('send').disabled) void ask();
});
byId('stop').addEventListener('click', () => answering?.abort());
byId('new').addEventListener('click', () => {
  messages = [];
  turns.replaceChildren();
  byId('speed').textContent = '';
  prompt.focus();
});

label();
await start();
