import { samplesBy, samplingSettings } from './samplingSettings.ts';

/** A chat template as fixed texts around messages; see `ChatParts` of content/data. */
export interface ModelfileChat {
  system: { before: string; after: string };
  user: { before: string; after: string };
  assistant: { before: string; after: string };
  invitation: string;
  defaultSystem: string | null;
}

/** What a Modelfile says of a model. */
export interface ModelfileFacts {
  /** The GGUF file, in the same folder. */
  file: string;
  /** Null leaves the template to Ollama, which knows many by what is in the GGUF. */
  chat: ModelfileChat | null;
  /** Texts of the tokens that end answers. */
  stops: readonly string[];
  /** Settings of generation_config.json. */
  generation: Readonly<Record<string, unknown>>;
  /** The longest context the model is made for. */
  maxPositions: number;
}

/** Ollama's context where a Modelfile says nothing. */
const DEFAULT_CONTEXT = 4096;

/** An Ollama Modelfile (Ollama's docs/modelfile.md): where the weights are, the chat template, stops and settings. */
export function modelfile({ file, chat, stops, generation, maxPositions }: ModelfileFacts): string {
  const lines = [`FROM ./${file}`];
  if (chat) lines.push(`TEMPLATE """${goTemplate(chat)}"""`);
  if (chat !== null && chat.defaultSystem !== null && !chat.defaultSystem.includes('"""'))
    lines.push(`SYSTEM """${chat.defaultSystem}"""`);
  for (const stop of new Set(stops)) lines.push(`PARAMETER stop ${JSON.stringify(stop)}`);
  for (const [name, value] of Object.entries(samplingSettings(generation)))
    lines.push(`PARAMETER ${name} ${value}`);
  if (!samplesBy(generation)) lines.push('PARAMETER temperature 0');
  if (maxPositions < DEFAULT_CONTEXT) lines.push(`PARAMETER num_ctx ${maxPositions}`);
  return `${lines.join('\n')}\n`;
}

/** The template in Go's language, as Ollama runs it. */
function goTemplate({ system, user, assistant, invitation }: ModelfileChat): string {
  const around = ({ before, after }: { before: string; after: string }) =>
    `${literal(before)}{{ .Content }}${literal(after)}`;
  return (
    '{{- range .Messages }}' +
    `{{- if eq .Role "system" }}${around(system)}` +
    `{{- else if eq .Role "user" }}${around(user)}` +
    `{{- else if eq .Role "assistant" }}${around(assistant)}` +
    `{{- end }}{{- end }}${literal(invitation)}`
  );
}

/** Text that a Go template writes as it is, also at the edges, where `{{-` would take spaces away. */
function literal(text: string): string {
  if (text === '') return '';
  const isPlain = !/\{\{|"""|^\s|\s$/.test(text);
  return isPlain ? text : `{{ ${JSON.stringify(text)} }}`;
}

/** The commands that make a model of a folder and run it. */
export function ollamaCommand(name: string): string {
  return `ollama create ${name} -f Modelfile && ollama run ${name}`;
}
