// Lists the licence of every production dependency, read from the installed packages; exit 1 when one is not on the list below.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// Permissive licences: they ask for their text and a name, and nothing of our source.
const allowed = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
]);

const root = process.argv[2] ?? process.cwd();
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));

/** `MIT`, or an SPDX expression of licences joined by OR (one must do) or AND (all must). */
function isAllowed(expression) {
  const text = expression.replace(/^\((.*)\)$/, '$1');
  if (text.includes(' OR ')) return text.split(' OR ').some((part) => isAllowed(part.trim()));
  if (text.includes(' AND ')) return text.split(' AND ').every((part) => isAllowed(part.trim()));
  return allowed.has(text);
}

/** As the package itself says; as the lock says where the package is for another machine and not installed. */
function licenceOf(path, entry) {
  const file = join(root, path, 'package.json');
  const said = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const old = Array.isArray(said.licenses) ? said.licenses.map(({ type }) => type).join(' OR ') : undefined;
  return String(said.license?.type ?? said.license ?? old ?? entry.license ?? 'none stated');
}

const found = Object.entries(packages)
  .filter(([path, entry]) => path.startsWith('node_modules/') && !entry.dev && !entry.link)
  .map(([path, entry]) => ({
    name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
    version: entry.version,
    licence: licenceOf(path, entry),
  }))
  .sort((a, b) => (a.name < b.name ? -1 : 1));

for (const { name, version, licence } of found) console.log(`${licence.padEnd(20)} ${name}@${version}`);
const refused = found.filter(({ licence }) => !isAllowed(licence));
console.log(`${found.length} production dependencies, ${refused.length} with a licence that is not on the list.`);
for (const { name, licence } of refused) console.error(`not on the list: ${name} (${licence})`);
process.exitCode = refused.length === 0 ? 0 : 1;
