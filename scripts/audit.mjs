// Asks the registry for known vulnerabilities of the production dependencies. Exit 0: none; 1: some; 2: the registry did not answer.
import { spawnSync } from 'node:child_process';

const { stdout, error } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  encoding: 'utf8',
  maxBuffer: 64 << 20,
});
let report;
try {
  report = JSON.parse(stdout);
} catch {
  report = { message: error?.message ?? 'npm printed no report' };
}
const counts = report.metadata?.vulnerabilities;
if (!counts) {
  console.error(
    `The registry does not answer audits here: ${report.message ?? report.error?.summary ?? 'no reason given'}`,
  );
  console.error('Nothing is known about vulnerabilities. Run this where the public registry can be reached.');
  process.exitCode = 2;
} else {
  for (const { name, severity, range } of Object.values(report.vulnerabilities ?? {})) {
    console.log(`${severity.padEnd(10)} ${name} ${range}`);
  }
  console.log(`${counts.total} known vulnerabilities in production dependencies.`);
  process.exitCode = counts.total === 0 ? 0 : 1;
}
