import type { ErrorText } from './types.ts';

const getAgain = 'The file is damaged; download it again.';
const report = 'Please report this.';

export const formatsErrors = {
  // The header of a safetensors file.
  'formats.file_too_short': {
    what: 'File “{file}” has {size} bytes, too few for a safetensors file.',
    next: getAgain,
  },
  'formats.not_safetensors': {
    what: 'File “{file}” is {found}, not a safetensors file.',
    next: 'Download the safetensors file, or convert the model to safetensors.',
  },
  'formats.header_length': {
    what: 'File “{file}” declares a header of {length} bytes, but has only {size} bytes in total.',
    next: 'The file is incomplete or not a safetensors file; download it again.',
  },
  'formats.header_too_large': {
    what: 'File “{file}” declares a header of {length} bytes; safetensors allows at most {limit}.',
    next: getAgain,
  },
  'formats.header_utf8': { what: 'The header of “{file}” is not UTF-8 text.', next: getAgain },
  'formats.header_json': {
    what: 'The header of “{file}” is not valid JSON: {problem}.',
    next: getAgain,
  },
  'formats.bad_metadata': {
    what: 'The __metadata__ of “{file}” is invalid{where}: {problem}.',
    next: getAgain,
  },
  'formats.tensor_field': {
    what: 'In “{file}”, the {field} of tensor “{tensor}” is invalid: {problem}.',
    next: getAgain,
  },
  'formats.number_too_large': {
    what: 'In “{file}”, the {field} of tensor “{tensor}” contains {value}, which is above 2^53 − 1.',
    next: getAgain,
  },
  'formats.shape_overflow': {
    what: 'In “{file}”, the shape [{shape}] of tensor “{tensor}” has too many elements.',
    next: getAgain,
  },
  'formats.tensor_offsets': {
    what: 'In “{file}”, tensor “{tensor}” ends (byte {end}) before it starts (byte {begin}).',
    next: getAgain,
  },
  'formats.tensor_beyond_file': {
    what: 'In “{file}”, tensor “{tensor}” ends at byte {end}, but the file has only {available} bytes of data.',
    next: 'The file is incomplete; download it again.',
  },
  'formats.tensor_size': {
    what: 'In “{file}”, tensor “{tensor}” has {actual} bytes, but {dtype} [{shape}] needs {expected}.',
    next: getAgain,
  },
  'formats.tensor_partial_byte': {
    what: 'In “{file}”, tensor “{tensor}” is {dtype} [{shape}], which is not a whole number of bytes.',
    next: getAgain,
  },
  'formats.tensor_overlap': {
    what: 'In “{file}”, tensor “{tensor}” starts at byte {begin}, inside tensor “{other}”.',
    next: getAgain,
  },
  'formats.tensor_hole': {
    what: 'In “{file}”, tensor “{tensor}” starts at byte {begin}, which leaves a gap after byte {expected}.',
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
    what: 'Bytes {begin} to {end} of tensor “{tensor}” in “{file}” were requested, but it has {size}.',
    next: report,
  },
  'formats.dtype_not_float': {
    what: 'Tensor “{tensor}” is stored as {dtype}, which Graft does not support.',
    next: 'Use a model stored as F32, F16 or BF16.',
  },
  'formats.ragged_bytes': {
    what: 'Tensor “{tensor}” has {bytes} bytes, not a whole number of {dtype} values.',
    next: getAgain,
  },

  'formats.adapter_saved': {
    what: 'adapter_config.json lists “{module}” in modules_to_save, but “{file}” does not contain its weights.',
    next: 'Download the adapter again, or train and save it again.',
  },

  'formats.adapter_saved_vector': {
    what: 'Tensor “{tensor}” of “{file}” is a norm or bias trained through modules_to_save; Graft supports that only for the embedding and the LM head.',
    next: 'Merge the adapter with PEFT, or train again without it in modules_to_save.',
  },
  'formats.adapter_names': {
    what: '“{file}” contains several adapters ({names}).',
    next: 'Save each adapter separately with PEFT’s save_pretrained.',
  },

  // Quantized checkpoints.
  'formats.quant_method': {
    what: 'The model is quantized with {method} (config.json), which Graft does not support.',
    next: 'Choose the original 16-bit version, or one quantized with {known}.',
  },
  'formats.quant_field': {
    what: '“{field}” in the quantization_config of config.json is {found}, but Graft supports only {expected}.',
    next: 'Choose the original 16-bit version, or one quantized differently.',
  },
  'formats.quant_undeclared': {
    what: 'Tensor “{tensor}” is stored as {dtype}: it is quantized, but config.json has no quantization_config.',
    next: 'Get config.json from the page these weights come from.',
  },
  'formats.quant_missing': {
    what: 'Module “{module}” is quantized ({method}), but its tensor “{tensor}” is not in the model files.',
    next: 'Download the model files again, all from the same page.',
  },
  'formats.quant_shape': {
    what: 'Tensor “{tensor}” has shape [{actual}], but a matrix of {rows} × {cols} in {method}{detail} requires [{expected}].',
    next: 'Check that config.json, its quantization_config and the safetensors files belong together.',
  },
  'formats.quant_dtype': {
    what: 'Tensor “{tensor}” is stored as {actual}, but {method} requires {expected}.',
    next: 'Download the model files again, or choose another version of the model.',
  },
  'formats.quant_size': {
    what: 'Module “{module}” is a matrix of {rows} × {cols}, which {method} cannot store: {problem}.',
    next: 'Check that config.json and the safetensors files belong together.',
  },
  'formats.quant_state': {
    what: '“{field}” in the quantization state “{tensor}” is {found}, expected {expected}.',
    next: 'Download the model files again, or quantize the model again.',
  },
  'formats.quant_map': {
    what: 'Value {index} of the quantization map “{tensor}” is {found}, expected {expected}.',
    next: 'The model uses a codebook that Graft does not support; choose another version of it.',
  },
  'formats.quant_group': {
    what: 'Tensor “{tensor}” assigns input {index} to group {found}, but the groups are 0 to {last}.',
    next: 'Download the model files again.',
  },

  // Writing.
  'formats.write_entry': {
    what: 'Tensor “{tensor}” of “{file}” cannot be written: {problem}.',
    next: report,
  },
  'formats.write_order': {
    what: 'While writing “{file}”, tensor “{tensor}” came instead of “{expected}”.',
    next: report,
  },
  'formats.write_size': {
    what: 'While writing “{file}”, tensor “{tensor}” got {actual} bytes instead of {expected}.',
    next: report,
  },

  // A checkpoint of one or more files.
  'formats.no_weights': {
    what: '{folder} contains no safetensors file.',
    next: 'Choose the folder that contains model.safetensors, or model.safetensors.index.json and its shards.',
  },
  'formats.pickle_only': {
    what: 'The weights in {folder} are stored as {file}, a pickle, which can run code when opened.',
    next: 'Convert it to safetensors: in transformers, load the model and call save_pretrained.',
  },
  'formats.adapter_only': {
    what: '{folder} contains an adapter, {file}, and no model weights.',
    next: 'Choose the folder of its base model, then open this one as an adapter.',
  },
  'formats.several_weights': {
    what: '{folder} contains several safetensors files ({files}) but no model.safetensors.index.json.',
    next: 'Add the index file, or keep only one safetensors file.',
  },
  'formats.index_json': {
    what: 'The index “{file}” is not valid: {problem}.',
    next: 'Download the index file again.',
  },
  'formats.index_shard_name': {
    what: 'The index “{file}” maps tensor “{tensor}” to “{shard}”, which is not a plain safetensors file name.',
    next: 'Do not trust this model; get it from its original page.',
  },
  'formats.index_shard_missing': {
    what: 'The index “{file}” lists shard “{shard}”, which is not in the folder.',
    next: 'Add the missing file.',
  },
  'formats.index_shard_extra': {
    what: 'The folder contains shard “{shard}”, which the index “{file}” does not list.',
    next: 'Remove the file if it belongs to another model, or download the index file again.',
  },
  'formats.index_tensor_missing': {
    what: 'The index “{file}” maps tensor “{tensor}” to “{shard}”, which does not contain it.',
    next: 'The index and the shards do not belong together; download them again.',
  },
  'formats.index_tensor_unlisted': {
    what: 'Shard “{shard}” contains tensor “{tensor}”, which the index “{file}” does not map to it.',
    next: 'The index and the shards do not belong together; download them again.',
  },
  'formats.shard_size': {
    what: '“{value}” is not a valid shard size.',
    next: 'Use a number of bytes, or a number with KB, MB, GB or TB, such as 4096MB.',
  },

  // PEFT adapters.
  'formats.adapter_missing': {
    what: '{folder} is not a PEFT adapter: it has no {file}.',
    next: 'Choose the folder that contains adapter_config.json and adapter_model.safetensors.',
  },
  'formats.adapter_pickle': {
    what: 'The adapter in {folder} is stored as adapter_model.bin, a pickle, which can run code when opened.',
    next: 'Save it again from PEFT with safe_serialization=True.',
  },
  'formats.adapter_field': {
    what: 'In “{file}”, “{field}” is {found}, expected {expected}.',
    next: 'Correct the file, or save the adapter again.',
  },
  'formats.adapter_unsupported': {
    what: 'The adapter in {folder} uses {feature}, which Graft does not support ({field} is {found}).',
    next: 'Merge the adapter with PEFT, or use a plain LoRA adapter.',
  },
  'formats.adapter_mutates_base': {
    what: 'The adapter in {folder} was initialized by {init}, which changes the base weights each time PEFT loads it.',
    next: 'Save it as plain LoRA: save_pretrained with path_initial_model_for_weight_conversion, or use it with the residual model and init_lora_weights set to true.',
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
    what: 'In “{file}”, tensor “{tensor}” has shape [{shape}], expected {expected}.',
    next: 'The weights and adapter_config.json do not belong together; save the adapter again.',
  },
  'formats.adapter_twice': {
    what: '{folder} contains the adapter twice, as {file} and as {other}.',
    next: 'Keep only one of the two files.',
  },
  'formats.adapter_version': {
    what: 'File “{file}” is not an 8-bit adapter of version {known} (found {found}).',
    next: 'Update Graft, or save the adapter again in F32.',
  },
  'formats.adapter_int8': {
    what: 'In “{file}”, tensor “{tensor}” is {found}, expected {expected}.',
    next: 'Save the adapter again.',
  },
  'formats.adapter_not_finite': {
    what: 'Tensor “{tensor}” cannot be stored in 8 bits: row {row} contains NaN or infinity.',
    next: 'Save the adapter in F32, and train again with a lower learning rate.',
  },
  'formats.adapter_pattern': {
    what: 'In “{file}”, the {field} key “{pattern}” is not a supported pattern: {problem}.',
    next: 'Use the module’s name instead of a pattern.',
  },
  'formats.adapter_empty': {
    what: 'File “{file}” contains no LoRA weights.',
    next: 'Save the adapter again.',
  },
  'formats.mlx_experts': {
    what: 'The adapter has LoRA on experts ({module}), which mlx-lm stores otherwise.',
    next: 'Merge the adapter and use the merged model in mlx-lm, or train other modules.',
  },
  'formats.adapter_scale': {
    what: 'Module “{module}” has scale {scale}, but adapter_config.json implies {expected}.',
    next: report,
  },
  // GGUF.
  'formats.gguf_magic': { what: 'File “{file}” is not a GGUF file.', next: getAgain },
  'formats.gguf_big_endian': {
    what: '“{file}” is a GGUF file for big-endian machines.',
    next: 'Download the little-endian file, which is the usual one.',
  },
  'formats.gguf_version': {
    what: '“{file}” is GGUF version {version}; versions 2 and 3 can be read.',
    next: 'Download a newer file of the model, or convert it again with llama.cpp.',
  },
  'formats.gguf_truncated': {
    what: 'The header of “{file}” goes on to byte {end}, but the file has only {size} bytes.',
    next: 'The file is incomplete; download it again.',
  },
  'formats.gguf_header_too_large': {
    what: 'The header of “{file}” has more than {limit} bytes.',
    next: getAgain,
  },
  'formats.gguf_count': {
    what: '“{file}” declares {count} {what}, more than its {size} bytes can hold.',
    next: getAgain,
  },
  'formats.gguf_string': {
    what: 'In “{file}”, {what} is said to have {length} bytes; the file has {size}.',
    next: getAgain,
  },
  'formats.gguf_duplicate': { what: '“{file}” has the {what} “{name}” twice.', next: getAgain },
  'formats.gguf_value': { what: 'In “{file}”, “{key}” is invalid: {problem}.', next: getAgain },
  'formats.gguf_alignment': {
    what: '“{file}” aligns its tensors to {value} bytes, which is no power of two.',
    next: getAgain,
  },
  'formats.gguf_tensor': { what: 'In “{file}”, tensor “{tensor}” is invalid: {problem}.', next: getAgain },
  'formats.gguf_type': {
    what: 'In “{file}”, tensor “{tensor}” is {type}. These types can be unpacked: {known}.',
    next: 'Choose a file of another type, such as Q8_0, Q6_K or Q4_K_M.',
  },
  'formats.gguf_key_missing': { what: '“{file}” has no “{key}”.', next: getAgain },
  'formats.gguf_not_model': {
    what: '“{file}” holds a {type}, not a model.',
    next: 'Choose the GGUF file of the language model itself.',
  },
  'formats.gguf_split': {
    what: '“{file}” is one of {count} files of a model, which cannot be opened by parts.',
    next: 'Join them with llama.cpp’s llama-gguf-split --merge, or choose a model in one file.',
  },
  'formats.gguf_architecture': {
    what: '“{file}” is a model of architecture “{architecture}”. These can be opened: {known}.',
    next: 'Choose a model of one of these architectures.',
  },
  'formats.gguf_no_tokenizer': {
    what: '“{file}” has no tokenizer.',
    next: 'Choose a file that llama.cpp can chat with: it has the tokenizer inside.',
  },
  'formats.gguf_tokenizer': {
    what: 'The tokenizer of “{file}” is of kind “{model}”. These can be read: {known}.',
    next: 'Open the original model in Hugging Face format.',
  },
  'formats.gguf_pre': {
    what: 'The tokenizer of “{file}” splits text by “{pre}”. These can be read: {known}.',
    next: 'Open the original model in Hugging Face format.',
  },
  'formats.several_gguf': {
    what: '{folder} contains several GGUF files ({files}).',
    next: 'Open one of them by itself.',
  },
  'formats.sentencepiece': { what: 'tokenizer.model cannot be read: {detail}.', next: getAgain },
  'formats.gguf_write_pre': {
    what: 'llama.cpp has no pre-tokenizer that splits text as this tokenizer.json does ({found}). It has: {known}.',
    next: 'Export the merged model as safetensors instead; llama.cpp would read its text differently.',
  },
  'formats.gguf_write_tokenizer': {
    what: 'GGUF cannot hold the tokenizer of this model: {what}.',
    next: 'Put the missing file into the model’s folder, or export the merged model as safetensors.',
  },
} satisfies Record<string, ErrorText>;
