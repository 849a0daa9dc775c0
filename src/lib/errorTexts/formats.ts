import type { ErrorText } from './types.ts';

const getAgain = 'The file is damaged or was written wrongly; get it again.';
const report = 'Please report this.';

export const formatsErrors = {
  // The header of a safetensors file.
  'formats.file_too_short': {
    what: 'File “{file}” has {size} bytes, too few for a safetensors file.',
    next: getAgain,
  },
  'formats.not_safetensors': {
    what: 'File “{file}” is {found}, not a safetensors file.',
    next: 'Get the safetensors file, or convert the model to safetensors.',
  },
  'formats.header_length': {
    what: 'File “{file}” announces a header of {length} bytes, but has only {size} bytes in all.',
    next: 'The file is cut off or is not a safetensors file; get it again.',
  },
  'formats.header_too_large': {
    what: 'File “{file}” announces a header of {length} bytes; safetensors allows at most {limit}.',
    next: getAgain,
  },
  'formats.header_utf8': { what: 'The header of “{file}” is not UTF-8 text.', next: getAgain },
  'formats.header_json': {
    what: 'The header of “{file}” is not valid at character {position}{where}: {problem}.',
    next: getAgain,
  },
  'formats.bad_metadata': {
    what: 'The __metadata__ of “{file}” is wrong{where}: {problem}.',
    next: getAgain,
  },
  'formats.duplicate_tensor': { what: 'File “{file}” names tensor “{tensor}” twice.', next: getAgain },
  'formats.tensor_field': {
    what: 'In “{file}”, the {field} of tensor “{tensor}” is wrong: {problem}.',
    next: getAgain,
  },
  'formats.number_too_large': {
    what: 'In “{file}”, the {field} of tensor “{tensor}” holds {value}, above 2^53 − 1.',
    next: getAgain,
  },
  'formats.shape_overflow': {
    what: 'In “{file}”, the shape [{shape}] of tensor “{tensor}” has more elements than can be counted.',
    next: getAgain,
  },
  'formats.tensor_offsets': {
    what: 'In “{file}”, tensor “{tensor}” ends (byte {end}) before it begins (byte {begin}).',
    next: getAgain,
  },
  'formats.tensor_beyond_file': {
    what: 'In “{file}”, tensor “{tensor}” ends at byte {end}, but the file holds {available} bytes of data.',
    next: 'The file is cut off; get it again.',
  },
  'formats.tensor_size': {
    what: 'In “{file}”, tensor “{tensor}” is {dtype} [{shape}], which takes {expected} bytes, but has {actual}.',
    next: getAgain,
  },
  'formats.tensor_partial_byte': {
    what: 'In “{file}”, tensor “{tensor}” is {dtype} [{shape}], which is not a whole number of bytes.',
    next: getAgain,
  },
  'formats.tensor_overlap': {
    what: 'In “{file}”, tensor “{tensor}” begins at byte {begin}, inside tensor “{other}”.',
    next: getAgain,
  },
  'formats.tensor_hole': {
    what: 'In “{file}”, tensor “{tensor}” begins at byte {begin}, leaving a hole from byte {expected}.',
    next: getAgain,
  },
  'formats.trailing_bytes': {
    what: 'File “{file}” has {bytes} bytes after its last tensor, “{tensor}”.',
    next: getAgain,
  },

  // Reading and computing.
  'formats.tensor_missing': {
    what: 'Tensor “{tensor}” is not in {file}.',
    next: 'Check that the weights belong to this config.json.',
  },
  'formats.tensor_range': {
    what: 'Bytes {begin} to {end} of tensor “{tensor}” in “{file}” were asked for, but it has {size}.',
    next: report,
  },
  'formats.dtype_not_float': {
    what: 'Tensor “{tensor}” is stored as {dtype}, which Graft cannot compute with.',
    next: 'Use a model stored as F32, F16 or BF16.',
  },
  'formats.ragged_bytes': {
    what: 'Tensor “{tensor}” has {bytes} bytes, not a whole number of {dtype} values.',
    next: getAgain,
  },

  'formats.adapter_saved': {
    what: 'adapter_config.json names “{module}” in modules_to_save, but “{file}” does not hold its weights.',
    next: 'Get the adapter’s files again, or train and save it again.',
  },

  'formats.adapter_saved_vector': {
    what: 'Tensor “{tensor}” of “{file}” is a norm or a bias that modules_to_save trained in full; Graft takes only the embedding and the head so.',
    next: 'Merge the adapter with PEFT, or train again without it in modules_to_save.',
  },
  'formats.adapter_names': {
    what: 'The keys of “{file}” name several adapters ({names}), so it is not one adapter.',
    next: 'Save each adapter by itself with PEFT’s save_pretrained.',
  },

  // Quantized checkpoints.
  'formats.quant_method': {
    what: 'config.json says that the model is quantized with {method}, which Graft does not read.',
    next: 'Choose the original 16-bit version, or one in {known}.',
  },
  'formats.quant_field': {
    what: 'The quantization_config of config.json has “{field}”: {found}, but Graft reads only {expected}.',
    next: 'Choose the original 16-bit version, or one quantized in another way.',
  },
  'formats.quant_undeclared': {
    what: 'Tensor “{tensor}” is stored as {dtype}: it is quantized, but config.json has no quantization_config.',
    next: 'Take config.json from the page that these weights come from.',
  },
  'formats.quant_missing': {
    what: 'Module “{module}” is quantized ({method}), but its tensor “{tensor}” is not in the model’s files.',
    next: 'Get the model’s files again; they must all come from the same page.',
  },
  'formats.quant_shape': {
    what: 'Tensor “{tensor}” has shape [{actual}], but a matrix of {rows} × {cols} in {method}{detail} calls for [{expected}].',
    next: 'Check that config.json, its quantization_config and the safetensors files belong together.',
  },
  'formats.quant_dtype': {
    what: 'Tensor “{tensor}” is stored as {actual}; {method} calls for {expected}.',
    next: 'Get the model’s files again, or choose another version of the model.',
  },
  'formats.quant_size': {
    what: 'Module “{module}” is a matrix of {rows} × {cols}, which {method} cannot hold: {problem}.',
    next: 'Check that config.json and the safetensors files belong together.',
  },
  'formats.quant_state': {
    what: 'The quantization state “{tensor}” has “{field}”: {found}; expected {expected}.',
    next: 'Get the model’s files again, or quantize the model again.',
  },
  'formats.quant_map': {
    what: 'Value {index} of the map “{tensor}” is {found}; expected {expected}.',
    next: 'The model was quantized with a codebook Graft does not know; choose another version of it.',
  },
  'formats.quant_group': {
    what: 'Tensor “{tensor}” puts input {index} in group {found}, but the groups are 0 to {last}.',
    next: 'Get the model’s files again.',
  },

  // Writing.
  'formats.write_entry': {
    what: 'Tensor “{tensor}” of “{file}” cannot be written: {problem}.',
    next: report,
  },
  'formats.write_order': {
    what: 'While writing “{file}”, tensor “{tensor}” came where “{expected}” was due.',
    next: report,
  },
  'formats.write_size': {
    what: 'While writing “{file}”, tensor “{tensor}” got {actual} bytes instead of {expected}.',
    next: report,
  },

  // A checkpoint of one or more files.
  'formats.no_weights': {
    what: 'There is no safetensors file in {folder}.',
    next: 'Choose the folder with model.safetensors, or model.safetensors.index.json and its shards.',
  },
  'formats.pickle_only': {
    what: '{folder} holds its weights as {file}, a pickle that may run code when opened.',
    next: 'Convert it to safetensors: in transformers, load the model and call save_pretrained.',
  },
  'formats.adapter_only': {
    what: '{folder} holds an adapter, {file}, and no weights of a model.',
    next: 'Choose the folder of its base model, and open this one as the adapter.',
  },
  'formats.several_weights': {
    what: '{folder} holds several safetensors files ({files}) but no model.safetensors.index.json.',
    next: 'Add the index file, or keep only one safetensors file.',
  },
  'formats.index_json': {
    what: 'The index “{file}” is not valid at character {position}: {problem}.',
    next: 'Get the index file again.',
  },
  'formats.index_shard_name': {
    what: 'The index “{file}” places tensor “{tensor}” in “{shard}”, which is not a plain safetensors file name.',
    next: 'Do not trust this model; get it from its original page.',
  },
  'formats.index_shard_missing': {
    what: 'The index “{file}” names shard “{shard}”, which is not in the folder.',
    next: 'Add the missing file.',
  },
  'formats.index_shard_extra': {
    what: 'The folder holds shard “{shard}”, which the index “{file}” does not name.',
    next: 'Remove the file if it belongs to another model, or get the index file again.',
  },
  'formats.index_tensor_missing': {
    what: 'The index “{file}” places tensor “{tensor}” in “{shard}”, which does not hold it.',
    next: 'The index and the shards do not belong together; get them again.',
  },
  'formats.index_tensor_unlisted': {
    what: 'Shard “{shard}” holds tensor “{tensor}”, which the index “{file}” does not place there.',
    next: 'The index and the shards do not belong together; get them again.',
  },
  'formats.shard_size': {
    what: '“{value}” is not a shard size.',
    next: 'Give a number of bytes, or a number with KB, MB, GB or TB, such as 4096MB.',
  },

  // PEFT adapters.
  'formats.adapter_missing': {
    what: '{folder} is not a PEFT adapter: it has no {file}.',
    next: 'Choose the folder with adapter_config.json and adapter_model.safetensors.',
  },
  'formats.adapter_pickle': {
    what: '{folder} holds its adapter as adapter_model.bin, a pickle that may run code when opened.',
    next: 'Save it again from PEFT with safe_serialization=True.',
  },
  'formats.adapter_field': {
    what: 'In “{file}”, “{field}” is {found}; expected {expected}.',
    next: 'Correct the file, or save the adapter again.',
  },
  'formats.adapter_unsupported': {
    what: 'The adapter in {folder} uses {feature}, which Graft cannot apply ({field} is {found}).',
    next: 'Merge the adapter with PEFT, or use a plain LoRA adapter.',
  },
  'formats.adapter_key': {
    what: 'Tensor “{tensor}” of “{file}” is not part of a plain LoRA adapter ({kind}).',
    next: 'Merge the adapter with PEFT, or use a plain LoRA adapter.',
  },
  'formats.adapter_half': {
    what: 'In “{file}”, module “{module}” has {present} but no {absent}.',
    next: 'Save the adapter again.',
  },
  'formats.adapter_shape': {
    what: 'In “{file}”, tensor “{tensor}” has shape [{shape}]; expected {expected}.',
    next: 'The weights and adapter_config.json do not belong together; save the adapter again.',
  },
  'formats.adapter_twice': {
    what: '{folder} holds its adapter twice, as {file} and as {other}.',
    next: 'Keep only one of the two files.',
  },
  'formats.adapter_version': {
    what: 'File “{file}” is not an 8-bit adapter of version {known} (it says {found}).',
    next: 'Update Graft, or save the adapter again in F32.',
  },
  'formats.adapter_int8': {
    what: 'In “{file}”, tensor “{tensor}” is {found}; expected {expected}.',
    next: 'Save the adapter again.',
  },
  'formats.adapter_not_finite': {
    what: 'Tensor “{tensor}” cannot be stored in 8 bits: row {row} holds NaN or infinity.',
    next: 'Save the adapter in F32, and train again with a lower learning rate.',
  },
  'formats.adapter_pattern': {
    what: 'In “{file}”, the {field} key “{pattern}” is not a pattern Graft can use: {problem}.',
    next: 'Write the module’s name instead of a pattern.',
  },
  'formats.adapter_empty': { what: 'File “{file}” holds no LoRA weights.', next: 'Save the adapter again.' },
  'formats.adapter_scale': {
    what: 'Module “{module}” has scale {scale}, but adapter_config.json would give {expected}.',
    next: report,
  },
} satisfies Record<string, ErrorText>;
