// SPDX-License-Identifier: Apache-2.0
// A verification in the forms that CI systems read: JUnit XML (one test case per cause, and one that all
// packets are equal), and GitHub workflow commands (an annotation at the rule's line).
import { printable } from '../diagnostics/printable.js';
import { xml } from '../html/xml-text.js';
import { ruleKey } from './compare-records.js';
import { sideName } from './render-text.js';
import type { Cause, VerifyReport } from './report.js';

/** JUnit XML: https://github.com/testmoapp/junitxml. */
export function renderJunit(report: VerifyReport): string {
  const { causes, apart, counts, packets, left, right } = report;
  const suite = `verify ${left} ${right}`;
  const total = causes.length + apart.length + 1;
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${total}" failures="${causes.length}" skipped="${apart.length}">`,
    `  <testsuite name="${xml(suite)}" tests="${total}" failures="${causes.length}" errors="0" skipped="${apart.length}">`,
    `    <testcase classname="${xml(suite)}" name="${xml(`${counts.equal} of ${packets} packets equal`)}"/>`,
  ];
  for (const cause of causes) {
    lines.push(
      `    <testcase classname="${xml(suite)}" name="${xml(causeName(cause))}">`,
      `      <failure message="${xml(`${cause.packets} packets differ in ${cause.fields.join(', ')}`)}" type="difference">${xml(causeDetails(cause, report))}</failure>`,
      '    </testcase>',
    );
  }
  for (const { outcome, reason, packets: n, first } of apart) {
    lines.push(
      `    <testcase classname="${xml(suite)}" name="${xml(`${outcome}: ${reason}`)}">`,
      `      <skipped message="${xml(`${n} packets not compared; first: index ${first.index}: ${first.packet}`)}"/>`,
      '    </testcase>',
    );
  }
  lines.push('  </testsuite>', '</testsuites>');
  return lines.join('\n') + '\n';
}

/** One annotation per cause, and a closing one; GitHub shows them at the lines of the dumps. */
export function renderGithub(report: VerifyReport): string {
  const lines = report.causes.map((cause) => {
    const located = [cause.left, cause.right].find(
      ({ file, rule }) => file !== undefined && rule?.line !== undefined,
    );
    const place =
      located === undefined ? [] : [`file=${property(located.file!)}`, `line=${located.rule!.line!}`];
    const title = `title=${property(`${cause.packets} packets decided differently`)}`;
    return `::error ${[...place, title].join(',')}::${message(`${causeName(cause)}\n${causeDetails(cause, report)}`)}`;
  });
  for (const { outcome, reason, packets } of report.apart) {
    lines.push(
      `::warning title=${property(`${packets} packets not compared`)}::${message(`${outcome}: ${reason}`)}`,
    );
  }
  const { counts, packets, coverage } = report;
  lines.push(
    `::notice title=verify::${message(
      `${counts.different} of ${packets} packets differ; rules hit ${coverage.hit} of ${coverage.live}`,
    )}`,
  );
  return lines.join('\n') + '\n';
}

function causeName({ left, right }: Cause): string {
  return `${sideName(left)} versus ${sideName(right)}`;
}

function causeDetails({ first, left, right }: Cause, report: VerifyReport): string {
  const side = (name: string, record: Cause['first']['left']): string =>
    printable(
      `${name}: ${record.verdict} ${ruleKey(record.rule) ?? ''} ${(record.trace ?? []).join(' ')}`.trimEnd(),
    );
  return [
    ...[left.text, right.text].flatMap((text) => (text === undefined ? [] : [printable(text)])),
    `first: index ${first.index}: ${first.packet}`,
    side(report.left, first.left),
    side(report.right, first.right),
  ].join('\n');
}

/** Escapes of GitHub's workflow commands. */
function message(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return message(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
