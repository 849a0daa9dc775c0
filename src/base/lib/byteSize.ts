/**
 * A number of bytes written as 8GB, 6GiB, 300 MB or 1500000000; null where it is none. KB to TB are decimal, as in
 * huggingface_hub's `parse_size_to_int`; KiB to TiB binary.
 */
export function parseByteSize(text: string): number | null {
  const [, number, prefix = '', binary] = /^\s*(\d+(?:\.\d+)?)\s*(?:([KMGT])(I?)B)?\s*$/i.exec(text) ?? [];
  const power = prefix === '' ? 0 : 'KMGT'.indexOf(prefix.toUpperCase()) + 1;
  const bytes = Math.floor(Number(number) * (binary ? 1024 : 1000) ** power);
  return Number.isSafeInteger(bytes) ? bytes : null;
}
