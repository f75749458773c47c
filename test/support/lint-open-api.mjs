// Prints as JSON what the linter finds in the document given: its recommended rules, warnings counted like errors.
import { readFileSync } from 'node:fs';
import { createConfig, lintFromString } from '@redocly/openapi-core';

const file = process.argv[2];
const config = await createConfig({ extends: ['recommended'] });
const found = await lintFromString({ source: readFileSync(file, 'utf8'), absoluteRef: file, config });
console.log(
  JSON.stringify(found.map(({ ruleId, message, location }) => `${ruleId}: ${message} (${location[0]?.pointer})`)),
);
