// SPDX-License-Identifier: Apache-2.0
// The migration report as a page to forward (report.html): the data of report.json, nothing besides.
import { ATTACH_KIND_NAMES } from '../program/attach-kind.js';
import { figures, safe, list, page, prose, section, table, type Html } from '../html/page.js';
import { nextSteps } from './next-steps.js';
import { earlyLines, headline, type MigratedRule, type MigrationReport } from './report.js';

export function reportHtml(report: MigrationReport): string {
  const { summary, rules, program, attach, problems } = report;
  const became = (what: MigratedRule['became']): readonly MigratedRule[] =>
    rules.filter((rule) => rule.became === what);
  const early = earlyLines(report);
  const body = [
    figures([
      ['rules', summary.rules],
      ['exact', summary.exact],
      ['without effect', summary.noEffect],
      ['approximate', summary.approximate],
      ['unsupported', summary.unsupported],
      ['waived', summary.waived],
      ['carried over', became('carried').length],
      ['left out', became('left').length],
    ]),
    section(
      'How to go on',
      [1],
      [
        safe`<ol>
          ${nextSteps(report.ok, attach.kinds, report.files).map((step) => safe`<li>${prose(step)}</li>`)}
        </ol>`,
      ],
    ),
    ruleSection('What stands against a program', became('open')),
    section(
      'Problems that belong to no rule',
      problems,
      table(
        ['Code', 'Problem', 'Waiver'],
        problems.map(({ code, message, waiver }) => [code, prose(message), waiver ?? '']),
      ),
    ),
    section('Where programs attach', attach.kinds, list(attach.kinds.map((kind) => ATTACH_KIND_NAMES[kind]))),
    section(
      'Tables that stay with iptables',
      attach.left,
      table(
        ['Table', 'Why'],
        attach.left.map((each) => [`${each.family} ${each.table}`, prose(each.why)]),
      ),
    ),
    section('Dropped early by XDP', early, list(early)),
    section('Good to know', report.notes, list(report.notes.map(prose))),
    section('Waivers', report.waivers, list(report.waivers.map((waiver) => safe`<code>${waiver}</code>`))),
    ruleSection('Rules left out', became('left')),
    section('The program', program === undefined ? [] : [1], programPart(program)),
    section(
      `Made by ipt2ebpf ${report.version} from`,
      [1],
      table(
        ['Source', 'SHA-256'],
        report.sources.map(({ name, sha256 }) => [name, safe`<code>${sha256}</code>`]),
      ),
    ),
    ruleSection('Rules carried over', became('carried')),
  ];
  return page('Migration report', { text: prose(headline(report)), good: report.ok }, body);
}

function ruleSection(title: string, rules: readonly MigratedRule[]): Html {
  return section(title, rules, [
    table(
      ['Rule', 'Text', 'Fidelity'],
      rules.map((rule) => [
        safe`${rule.family} ${rule.table}/${rule.chain}:${rule.number}<br /><span class="dim"
            >${rule.file}:${rule.line}</span
          >`,
        safe`<code>${rule.text.trim()}</code>`,
        fidelity(rule),
      ]),
    ),
  ]);
}

function fidelity({ state, code, why, waiver }: MigratedRule): Html[] {
  return [
    safe`${state === 'no-effect' ? 'without effect' : state}`,
    ...(why === undefined ? [] : [safe`: ${code === undefined ? '' : `${code} `}${prose(why)}`]),
    ...(waiver === undefined ? [] : [safe`<br />waived: <code>${waiver}</code>`]),
  ];
}

function programPart(program: MigrationReport['program']): Html {
  if (program === undefined) return safe``;
  return safe`${list([
    safe`object <code>program.o</code>: ${program.objectBytes} bytes, of which the decision table is
      ${program.tableBytes}; SHA-256 <code>${program.sha256}</code>, which
      <code>ipt2ebpf load --json</code> prints too`,
    ...(program.connections === 0 ? [] : [`tracks up to ${program.connections} connections`]),
  ])}
  ${table(
    ['Family', 'Chains', 'Lookups', 'Steps of a lookup at most', 'Records of a packet in a phase at most'],
    Object.entries(program.costs).map(([family, cost]) => [
      family,
      cost.chains,
      `${cost.classifiers} (${cost.partitioned} in parts)`,
      cost.deepestWalk,
      Math.max(0, ...Object.values(cost.steps)),
    ]),
  )}`;
}
