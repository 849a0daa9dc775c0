import type { Phrase } from '../phrase.ts';

/** Step 5: what is taken away. */
export const exportTexts = {
  'export.title': 'Take it with you',
  'export.adapter': 'Adapter',
  'export.adapterHelp': 'Small. A PEFT folder that goes on top of this same model.',
  'export.adapterDtype': 'Stored as',
  'export.adapterDtype.F32': 'PEFT, 32 bits',
  'export.adapterDtype.I8': 'Small (8-bit), for Graft only',
  'export.withSize': '{name}, {size}',
  'export.downloadAdapter': 'Download adapter',
  'export.merged': 'Merged model',
  'export.mergedHelp': 'A complete model folder that needs no adapter and no Graft.',
  'export.onto': 'Merge onto',
  'export.onto.original': 'The original weights',
  'export.onto.original.help':
    'Loses nothing of the model. The adapter meets weights a little finer than those it learned on.',
  'export.onto.dequantized': 'The 4-bit weights it was trained on',
  'export.onto.dequantized.help':
    'Answers exactly as in training, and keeps what 4 bits rounded off the model.',
  'export.onto.loss': 'Eval loss {loss}',
  'export.onto.better': 'lower',
  'export.measure': { one: 'Measure both on {n} eval row', other: 'Measure both on {n} eval rows' },
  'export.measuring': 'Measuring both',
  'export.measureNone': 'With an evaluation share in the recipe, their losses could be compared here.',
  'export.onlyDequantized':
    'Merged onto the weights that the 4 bits stand for: this model comes in 4 bits ({method}), and the original 16-bit weights are not in it. To merge onto those, open the original model and this adapter.',
  'export.result': 'Result',
  'export.result.floats': 'As the model is stored ({dtypes})',
  'export.result.floatsDequantized': 'Dequantized',
  'export.result.nf4': '4-bit NF4',
  'export.result.nf4Nested': '4-bit NF4, double quantized',
  'export.nf4Help':
    'As bitsandbytes stores it: transformers loads it. Rounds the merged weights to 4 bits, the proof says how far that goes.',
  'export.downloadMerged': 'Download merged model',
  'export.saveFolder': 'Save to a folder',
  'export.shardSize': 'Largest file',
  'export.cancel': 'Cancel',
  'export.packing': 'Packing the adapter',
  'export.merging': 'Merging',
  'export.saveAgain': 'Save {name} again',
  'export.savedTo': 'Saved to the folder “{folder}”.',
  'export.files': { one: '{n} file, {size}', other: '{n} files, {size}' },
  'proof.passed': 'Read back and proved',
  'proof.tensors': {
    one: '{n} tensor, {bytes}. {changed} carry what was learned, the others are byte for byte the same.',
    other: '{n} tensors, {bytes}. {changed} carry what was learned, the others are byte for byte the same.',
  },
  'proof.logits':
    'The merged model’s logits differ from base + adapter by at most {difference}; rounding allows {allowed}.',
  'proof.nf4':
    'The file holds the 4 bits it should: logits agree within {difference}; rounding allows {allowed}. The 4 bits themselves take the logits up to {quantization} away from base + adapter.',
  'proof.addedEnds': 'generation_config.json now names {ends} as well: trained answers end so.',
  'proof.losses':
    'Loss on the evaluation rows: {original} on the original weights, {dequantized} on the 4-bit ones.',
  'proof.lossDequantized': 'Loss on the evaluation rows: {dequantized}.',
  'export.trained': 'Trained model',
  'export.trainedHelp':
    'Every parameter was trained, so this is the whole model, in the data type of its base.',
  'export.downloadTrained': 'Download trained model',
} as const satisfies Record<string, Phrase>;
