import { expect, test } from 'vitest';
import { createCrc32, takeCrc32 } from './crc32.ts';

test('is that of zlib, whatever the pieces, and begins anew', async () => {
  const crc = await createCrc32();
  const bytes = new TextEncoder().encode('123456789');
  // The check value of CRC-32/ISO-HDLC.
  expect(takeCrc32(crc.update(bytes))).toBe(0xcbf43926);
  expect(takeCrc32(crc.update(bytes.subarray(0, 4)).update(bytes.subarray(4)))).toBe(0xcbf43926);
  expect(takeCrc32(crc)).toBe(0);
});
