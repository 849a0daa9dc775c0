/** Text as a file reader returns it: in chunks of at most `size` bytes. For tests. */
export async function* chunksOf(
  text: string | Uint8Array,
  size: number,
): AsyncGenerator<{ offset: number; chunk: Uint8Array }> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  for (let offset = 0; offset < bytes.length; offset += size) {
    yield await Promise.resolve({ offset, chunk: bytes.subarray(offset, offset + size) });
  }
}
