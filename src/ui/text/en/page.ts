import type { Phrase } from '../phrase.ts';

/** Masthead, introduction, device, steps and rail. */
export const pageTexts = {
  // Masthead and introduction
  'app.name': 'Graft',
  'app.title': 'Graft – fine-tune a language model in this tab',
  'app.titleTraining': '{share} · Graft',
  'app.skip': 'Skip to the steps',
  'intro.title': 'Fine-tune a language model in this tab.',
  'intro.promise':
    'Choose a model and some examples, train, compare, download. Nothing to install, and your data never leaves this machine.',
  'theme.label': 'Theme',
  'theme.system': 'As the system',
  'theme.light': 'Light',
  'theme.dark': 'Dark',
  'footer.licence': 'Open source, Apache-2.0. Models and data keep their own licences.',

  // Device
  'device.label': 'Graphics',
  'device.checking': 'Looking for a graphics adapter…',
  'device.ready': 'WebGPU is ready',
  'device.unnamed': 'Unnamed adapter',
  'device.f16': 'f16 arithmetic',
  'device.f32': 'f32 arithmetic only',
  'device.buffer': 'buffers up to {size}',
  'device.missing': 'This browser has no WebGPU, which Graft computes with.',
  'device.insecure': 'Browsers hide WebGPU from pages that come over plain http from another machine.',
  'device.insecureFix': 'Open the page over https, or on the same machine at http://localhost.',
  'device.fix.firefox':
    'Update Firefox. If it is current, open about:config, set dom.webgpu.enabled to true and reload this page.',
  'device.fix.chromiumLinux':
    'Update the browser, then enable “Vulkan” and “Unsafe WebGPU Support” in chrome://flags and restart it.',
  'device.fix.chromium':
    'Update the browser, and check under Settings → System that graphics acceleration is on.',
  'device.fix.safari': 'Use Safari 26 or later, or a current Chrome or Firefox.',
  'device.fix.other':
    'Use a current Chrome, Edge, Firefox or Safari on a computer with a graphics processor.',
  'device.readOn': 'You can look around: the steps below show what there is to do.',
  'device.retry': 'Check again',
  'device.memory': 'GPU memory',
  'device.memoryUnit': 'GB',
  'device.memoryUnknown': 'unknown',
  'device.memoryHelp': 'Browsers don’t tell how much there is. Say it, and Graft tells what fits.',
  'device.memoryProblem': 'Enter a number of gigabytes, or nothing for unknown.',

  // Steps
  'steps.label': 'Steps',
  'steps.status.done': 'done',
  'steps.status.current': 'next',
  'steps.status.open': 'open',
  'steps.status.busy': 'working',
  'steps.status.blocked': 'not yet',
  'step.model': 'Model',
  'step.data': 'Data',
  'step.recipe': 'Recipe',
  'step.train': 'Train',
  'step.try': 'Try & export',
  'step.try.short': 'Try',
  'step.model.lead': 'A language model in the format of Hugging Face: from the Hub, or a folder of yours.',
  'step.data.lead': 'Examples of what the model should do, one a row.',
  'step.recipe.lead': 'How it is trained. The defaults are a good start.',
  'step.train.lead': 'Runs on your graphics processor. The model itself is never changed.',
  'step.try.lead': 'One prompt, two answers: the model as it was, and as it is now.',
  'steps.locked': 'Locked while training.',
  'block.noDevice': 'Needs WebGPU, see above.',
  'block.checkingDevice': 'Looking for a graphics adapter…',
  'block.noModel': 'Choose a model first.',
  'block.notDownloaded': 'Download the model first: step 1.',
  'block.noData': 'Choose data first.',
  'block.noModelNoData': 'Choose a model and data first.',
  'block.dataNotReady': 'Waits for the data to be read.',
  'block.dataUnusable': 'This data can’t be used yet: step 2 says why.',
  'block.nothingTrained': 'No token of the data would be trained. Look at “Train on” in the recipe.',
  'block.recipeInvalid': 'A field of the recipe needs correcting.',
  'block.noTokenizer': 'This model has no tokenizer, so it can’t read a prompt.',
  'block.busy': 'The engine is busy with another step.',

  // Rail
  'rail.data': { one: '{n} row', other: '{n} rows' },
  'rail.problems': { one: '{n} problem', other: '{n} problems' },
  'rail.recipe': 'Rank {rank}, learning rate {lr}',
  'rail.training': 'Step {step} of {total}',
  'rail.trained': { one: '{n} step', other: '{n} steps' },
  'rail.adapterOpened': 'Adapter “{name}”',
  'rail.saved': 'Saved',
  'rail.unsaved': 'Adapter not saved yet',
} as const satisfies Record<string, Phrase>;
