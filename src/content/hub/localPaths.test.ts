import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../testing/errors.ts';
import { localPathIn, refuseLocalPaths } from './localPaths.ts';

describe('a local path in a text', () => {
  it.each([
    ['"/home/anna/clients/x.jsonl"', '/home/anna/clients/x.jsonl'],
    ['see /Users/Zoë/models/base, please', '/Users/Zoë/models/base'],
    [JSON.stringify({ file: 'C:\\Users\\Bo\\data\\x.csv' }), 'C:\\\\Users\\\\Bo\\\\data\\\\x.csv'],
    ['file:///home/anna/x', '/home/anna/x'],
    ['d:/Users/bo/x', 'd:/Users/bo/x'],
    ['an example /home/user/x, and /home/li/x', '/home/li/x'],
  ])('is found: %s', (text, path) => {
    expect(localPathIn(text)).toBe(path);
  });

  it.each([
    '`--model /home/user/models` or /Users/username/x',
    '/home/$USER/x and /home/<you>/x and ~/x',
    'https://example.org/home/anna/page',
    './home/anna/x',
    'the /home page',
  ])('is not what an example or an address holds: %s', (text) => {
    expect(localPathIn(text)).toBe(null);
  });
});

it('refuses texts alone, and by the roots that a host knows', async () => {
  const files = (name: string, text: string) => new Map([[name, new Blob([text])]]);
  await expectGraftError(
    () => refuseLocalPaths(files('README.md', 'in /home/anna/x')),
    'hub.push_local_path',
    {
      file: 'README.md',
      path: '/home/anna/x',
    },
  );
  await expectGraftError(
    () => refuseLocalPaths(files('a.json', '"/srv/w/x"'), ['/srv/w']),
    'hub.push_local_path',
    {
      path: '/srv/w/x',
    },
  );
  await refuseLocalPaths(files('a.json', '"/srv/world/x"'), ['/srv/w']);
  await refuseLocalPaths(files('model.safetensors', 'in /home/anna/x'));
});
