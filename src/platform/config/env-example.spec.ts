import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from './config';

describe('.env.example', () => {
  const text = readFileSync(join(__dirname, '../../../.env.example'), 'utf8');
  const listed = Object.fromEntries(
    [...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name!, value!] as const),
  );

  it('lists exactly what the configuration reads', () => {
    const asked = new Set<string>();
    const spy = new Proxy<Record<string, string | undefined>>({}, { get: (_, name) => void asked.add(String(name)) });

    readConfig(spy);

    expect(Object.keys(listed).sort()).toEqual([...asked].sort());
  });

  it('can be taken as it is', () => {
    const { WEBHOOK_ALLOWED_HOSTS: _hosts, ...rest } = listed;

    expect(readConfig(rest)).toEqual(readConfig({}));
  });
});
