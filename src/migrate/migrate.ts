// SPDX-License-Identifier: Apache-2.0
// The whole migration of a loaded input: assess, lower, build, and the files of the output folder.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TableRefusal } from '../decision/refusal.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { LoadedInput } from '../input/load.js';
import { interfaceSysctl } from '../host/sysctls.js';
import { looksLikeIpsetSave } from '../../grammar/ipset/index.js';
import { lower } from '../model/lower.js';
import { LoweringRefusal } from '../model/lower-context.js';
import type { Model } from '../model/model.js';
import { DEFAULT_ATTACH, type AttachKind } from '../program/attach-kind.js';
import { buildProgram, LIBRARY_FOLDER } from '../program/build.js';
import type { BuiltProgram } from '../program/build.js';
import { DEFAULT_CONNECTIONS, TABLE_FILE } from '../program/program-source.js';
import { assess } from '../ruleset/assess/assess.js';
import { lint } from '../ruleset/assess/lints.js';
import { findOtherPlanes } from '../ruleset/assess/other-enforcement.js';
import { checkReport } from '../ruleset/assess/report.js';
import { viewFor, type AttachView, type LeftTables } from '../ruleset/attach-view.js';
import type { Waiver } from '../ruleset/waivers.js';
import { earlyReport, notByXdpAlone } from './early-report.js';
import { loaderScript } from './loader-script.js';
import { INPUT_FOLDER, MANIFEST_FILE } from './output-folder.js';
import type { OutputEntry } from './output-folder.js';
import { recommend } from './recommend.js';
import { migratedRules, refusalDiagnostic, reportText } from './report.js';
import type { MigrationReport } from './report.js';
import { reportHtml } from './report-html.js';

export interface Migration {
  readonly report: MigrationReport;
  readonly files: ReadonlyMap<string, OutputEntry>;
  /** Why no program came out, located. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Throws EnvironmentError without clang. `version`: ours. `netfilter` stands alone among attach kinds. */
export async function migrate(
  given: LoadedInput,
  waivers: readonly Waiver[],
  version: string,
  attachTo: readonly AttachKind[] | 'auto' = DEFAULT_ATTACH,
): Promise<Migration> {
  const recommended = attachTo === 'auto' ? recommend(given, waivers) : undefined;
  const attach = attachTo === 'auto' ? recommended!.kinds : attachTo;
  const view = attachView(given, attach);
  const input = { ...given, ...view };
  const { ruleset, host, leftTables } = input;
  const assessment = assess(input, waivers);
  const planes = findOtherPlanes(input.other, input.files);
  const check = checkReport(ruleset, assessment, input.diagnostics, lint(ruleset), planes);
  const waived = new Set<number>();
  const unfaithful = new Set<number>();
  for (const { rule, waiver } of assessment.findings)
    (waiver === undefined ? unfaithful : waived).add(rule.id);
  const sources = input.sources.map(({ name, text }) => ({
    name,
    sha256: sha256(Buffer.from(text, 'latin1')),
  }));
  const origin = {
    sources: sources.map(({ name }) => name),
    digest: sha256(sources.map((source) => source.sha256).join('\n')),
    version,
    waivers: assessment.waivers.map(({ text }) => text),
  };
  let built: BuiltProgram | undefined;
  let model: Model | undefined;
  let refusal: LoweringRefusal | TableRefusal | undefined;
  try {
    if (assessment.faithful && !isXdpAlone(attach))
      built = await buildProgram(ruleset, host, { origin, waived, attach, leftTables });
    model = built?.model ?? lower(ruleset, host, { waived: new Set([...waived, ...unfaithful]), leftTables });
  } catch (error) {
    if (!(error instanceof LoweringRefusal) && !(error instanceof TableRefusal)) throw error;
    refusal = error;
  }
  const refused = refusal instanceof LoweringRefusal ? ruleset.rules[refusal.rule ?? -1] : undefined;
  const refusals: Diagnostic[] = refusal === undefined ? [] : [refusalDiagnostic(refusal.message, refused)];
  if (model !== undefined && isXdpAlone(attach)) refusals.push(notByXdpAlone(model, ruleset.rules));
  const files = new Map<string, OutputEntry>();
  if (model !== undefined) files.set('model.json', { contents: JSON.stringify(model) + '\n' });
  if (built !== undefined) addProgram(files, built, input, attach);
  const left = new Map((model?.left ?? []).map(({ rule, why }) => [rule, why]));
  const report: MigrationReport = {
    version,
    ok: built !== undefined,
    sources,
    summary: check.summary,
    rules: migratedRules(ruleset.rules, check.rules, left, unfaithful),
    problems: check.problems,
    waivers: origin.waivers,
    attach: {
      kinds: attach,
      left: leftList(leftTables),
      ...(recommended !== undefined && { reasons: recommended.reasons }),
      ...(built !== undefined && attach.includes('xdp') && { early: earlyReport(built.model) }),
    },
    notes: notes(input, model, attach),
    ...(refusals[0] !== undefined && { refusal: refusal?.message ?? refusals[0].message }),
    ...(built !== undefined && {
      program: {
        sha256: sha256(built.object),
        objectBytes: built.object.length,
        tableBytes: built.table.bytes.length,
        connections: attach.includes('netfilter') ? 0 : DEFAULT_CONNECTIONS,
        costs: built.table.costs,
      },
    }),
    files: [...files.keys(), 'report.html', 'report.json', 'report.md', MANIFEST_FILE].sort(),
  };
  files.set('report.json', { contents: JSON.stringify(report, null, 2) + '\n' });
  files.set('report.md', { contents: reportText(report) });
  files.set('report.html', { contents: reportHtml(report) });
  files.set(MANIFEST_FILE, { contents: JSON.stringify(manifest(report, files, model), null, 2) + '\n' });
  return { report, files, diagnostics: refusals };
}

/** XDP is for early drops: alone it decides no ruleset whole. */
function isXdpAlone(attach: readonly AttachKind[]): boolean {
  return attach.includes('xdp') && !attach.includes('tc');
}

/** The ruleset as it is carried over there; also what `load` asks for when it compares hosts. */
export function attachView(input: LoadedInput, attach: readonly AttachKind[]): AttachView {
  return viewFor(attach.includes('netfilter') ? 'netfilter' : 'tc', input);
}

function leftList(leftTables: LeftTables): MigrationReport['attach']['left'] {
  return [...leftTables].map(([place, why]) => {
    const [family = '', table = ''] = place.split(' ');
    return { family, table, why };
  });
}

function addProgram(
  files: Map<string, OutputEntry>,
  built: BuiltProgram,
  input: LoadedInput,
  attach: readonly AttachKind[],
): void {
  const { model, object, cSource, table } = built;
  const { host } = input;
  files.set('program.c', { contents: cSource });
  files.set('program.o', { contents: object });
  files.set(TABLE_FILE, { contents: table.bytes });
  for (const name of readdirSync(LIBRARY_FOLDER).sort()) {
    if (name.endsWith('.h')) files.set(`lib/${name}`, { contents: readFileSync(join(LIBRARY_FOLDER, name)) });
  }
  // bpftool and tc attach no netfilter programs: `ipt2ebpf load` does.
  if (attach.includes('tc')) {
    const contents = loaderScript({ model, host, digest: sha256(object) });
    files.set('load.sh', { contents, executable: true });
  }
  for (const [name, contents] of inputSnapshot(input)) files.set(`${INPUT_FOLDER}/${name}`, { contents });
}

/**
 * What was migrated, as a snapshot: rules with the ids and lines of the report, sets, the host. Whoever loads the
 * program compares the running host with it.
 */
function inputSnapshot({ files, sources, host }: LoadedInput): Map<string, Uint8Array> {
  const texts = new Map<string, string>();
  const add = (name: string, text: string): void => {
    texts.set(name, (texts.get(name) ?? '') + (text.endsWith('\n') ? text : `${text}\n`));
  };
  sources.forEach(({ text }, i) => {
    const file = files[i];
    if (file !== undefined) add(file.family === 'ipv4' ? 'rules.v4' : 'rules.v6', text);
    else if (looksLikeIpsetSave(text)) add('ipset.save', text);
  });
  add('host.json', JSON.stringify(host, null, 1));
  return new Map([...texts].map(([name, text]) => [name, Buffer.from(text, 'latin1')]));
}

/** What is not any rule's, and would surprise someone who did not know. */
function notes(input: LoadedInput, model: Model | undefined, attach: readonly AttachKind[]): string[] {
  const { host, hostGiven } = input;
  const out: string[] = [];
  if (!hostGiven) {
    out.push(
      'No host was given: interfaces and addresses are those of the default host. Use a snapshot or --host.',
    );
  }
  out.push('Own addresses are those of the host as given; when they change, migrate again.');
  if (attach.includes('netfilter')) return [...out, ...netfilterNotes(model)];
  if (attach.includes('xdp') && model !== undefined) out.push(...xdpNotes(model));
  if (model?.families.some(({ tracked }) => tracked) === true) {
    out.push(
      `Connections are tracked without TCP windows; the table of ${DEFAULT_CONNECTIONS} connections evicts the least recently used when full.`,
    );
  }
  out.push(
    'Fragments are judged piece by piece: later pieces share the fate of the first, where it came before them. The first is judged, and takes from limits, also when the rest never comes.',
  );
  const wildcards = input.ruleset.rules.some(({ header }) =>
    [header.inInterface, header.outInterface].some(
      (each) => each?.value.wildcard === true && each.value.name !== '',
    ),
  );
  if (wildcards) {
    out.push(
      'Interfaces that come up later are attached to where `ipt2ebpf load` was used, which keeps watch; load.sh has to be run again.',
    );
  }
  if (host.interfaces.some(({ name }) => interfaceSysctl(host, name, 'rp_filter') !== 0)) {
    out.push(
      'Reverse-path filtering is left to the kernel: what it drops afterwards was counted as accepted.',
    );
  }
  if (model?.families.some(({ chains }) => usesReject(chains)) === true) {
    out.push(
      'What OUTPUT rejects is answered in the name of its destination, and that answer is not judged.',
    );
  }
  return out;
}

function xdpNotes(model: Model): string[] {
  const { drops, policies } = earlyReport(model);
  return [
    drops.length + policies.length === 0
      ? 'XDP drops nothing of this ruleset, since no rule of raw/PREROUTING drops by what it sees: --attach tc does the same.'
      : 'XDP drops early what raw/PREROUTING certainly drops, and passes on all else, pieces of datagrams above all. Programs that capture packets on an interface do not see what is dropped there.',
    '`load.sh` attaches to TC alone, where all is decided; `ipt2ebpf load` attaches to XDP besides.',
  ];
}

function netfilterNotes(model: Model | undefined): string[] {
  const tracked = model?.families.some((each) => each.tracked) === true;
  return [
    'Netfilter programs need Linux 6.4. They stand just before the tables they are for, and see whole datagrams wherever iptables does.',
    ...(tracked
      ? [
          'Connections are those of the kernel, which tracks them only while somebody asks: the nft table ipt2ebpf_tracking does, and judges nothing.',
        ]
      : []),
    ...(model?.families.some(({ chains }) => usesReject(chains)) === true
      ? ['What was rejected is dropped: the sender hears nothing and waits.']
      : []),
  ];
}

function usesReject(chains: Model['families'][number]['chains']): boolean {
  return Object.values(chains).some(({ entries }) => entries.some(({ action }) => action.kind === 'reject'));
}

function manifest(
  report: MigrationReport,
  files: ReadonlyMap<string, OutputEntry>,
  model: Model | undefined,
): Readonly<Record<string, unknown>> {
  return {
    version: report.version,
    ok: report.ok,
    sources: report.sources,
    waivers: report.waivers,
    attach: report.attach.kinds,
    ...(model !== undefined && { hz: model.hz, interfaces: model.interfaces }),
    files: [...files]
      .map(([name, { contents }]) => ({ name, sha256: sha256(contents), bytes: Buffer.byteLength(contents) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function sha256(contents: Uint8Array | string): string {
  return createHash('sha256').update(contents).digest('hex');
}
