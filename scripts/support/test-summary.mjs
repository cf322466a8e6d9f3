/**
 * The last word of scripts/test: `node test-summary.mjs REPORT VITEST_STATUS [PROBLEM...]`.
 * Lists what was skipped and what failed, then prints `N passed, N failed, N skipped` as the last
 * line. Each PROBLEM (a failed build, lint, leftover check) counts as one failed; so does a report
 * that is missing, one without any test run, and a vitest that failed although no test did. Exits
 * with 1 where anything failed. Plain JavaScript, as it has to run when the build is broken.
 */
import { readFileSync } from 'node:fs';

const [reportFile = '', vitestStatus = '', ...problems] = process.argv.slice(2);
const failed = problems.map((problem) => `failed: ${problem}`);
const skipped = [];
let passed = 0;

for (const file of readReport()) {
  for (const test of file.assertionResults) {
    if (test.status === 'passed') passed++;
    else if (test.status === 'failed') failed.push(`failed: ${test.fullName} (${file.name})`);
    else skipped.push(`skipped: ${test.fullName}`);
  }
  // A file that could not be loaded, or a hook that failed, has no failed test of its own.
  const hasFailedTest = file.assertionResults.some((test) => test.status === 'failed');
  if (file.status === 'failed' && !hasFailedTest) failed.push(`failed: ${file.name}`);
}
if (passed === 0) failed.push('failed: no test passed');
if (vitestStatus !== '0' && failed.length === 0) {
  failed.push(`failed: vitest ended with status ${vitestStatus} although no test failed`);
}

console.log('\n== Summary');
for (const line of [...skipped, ...failed]) console.log(line);
console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
process.exit(failed.length === 0 ? 0 : 1);

function readReport() {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8')).testResults;
  } catch (error) {
    failed.push(`failed: no test report (${error.message}), vitest's status is ${vitestStatus}`);
    return [];
  }
}
