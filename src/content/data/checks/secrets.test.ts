import { expect, it } from 'vitest';
import { secretsIn } from './secrets.ts';

it.each([
  ['write to anna.maria-b+x@mail.company.org now', 'personal'],
  [`${'a.'.repeat(100)}b@company.org`, 'personal'],
  ['postgres://anna:hunter2@db.invalid/x', 'secret'],
  ['Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N', 'secret'],
])('finds what is private in “%s”', (text, kind) => {
  expect(secretsIn(text).map((secret) => secret.kind)).toEqual([kind]);
});

it.each([
  ['names', `${'a.'.repeat(200_000)} @`],
  ['domains', `a@${'a.'.repeat(200_000)}1`],
  ['addresses', `${'a.'.repeat(200_000)} hf_`],
  ['tokens', 'eyJaaaaaaaaaaaa-'.repeat(25_000)],
])('takes time that grows with a text that only begins like %s', (_, text) => {
  expect(secretsIn(text)).toEqual([]);
});
