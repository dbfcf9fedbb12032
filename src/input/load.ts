// SPDX-License-Identifier: Apache-2.0
// Inputs of a command line -> one resolved ruleset with its host. Inputs: snapshot directories, dumps
// recognised by content, `-` for standard input.
import { parseSaveFile } from '../../grammar/index.js';
import type { SaveFileNode } from '../ast/nodes.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { InputError } from '../diagnostics/input-error.js';
import { DEFAULT_HOST } from '../host/default-host.js';
import type { Host } from '../host/host.js';
import { parseHost } from '../host/parse-host.js';
import type { Family } from '../net/family.js';
import { DEBIAN_NAMES } from '../net/name-services.js';
import type { OtherEnforcement } from '../ruleset/assess/other-enforcement.js';
import { readSets } from '../ruleset/ipset/sets-builder.js';
import { resolve, type LooseProblem } from '../ruleset/resolve/resolve.js';
import type { Ruleset } from '../ruleset/ruleset.js';
import type { SourceFile, Span } from '../source/span.js';
import { recognise } from './recognise.js';
import { readSnapshot } from './snapshot.js';
import { inputError, kindOf, readSource, readStandardInput, STDIN } from './source.js';

export interface LoadOptions {
  /** `--host FILE`; wins over the host of a snapshot. */
  readonly hostFile?: string;
  /** `--family`: of dumps whose header does not tell. */
  readonly family?: Family;
  readonly stdin?: NodeJS.ReadableStream;
}

export interface LoadedInput {
  readonly ruleset: Ruleset;
  readonly host: Host;
  /** False when DEFAULT_HOST stands in. */
  readonly hostGiven: boolean;
  /** The dumps as parsed, in the order given. */
  readonly files: readonly SaveFileNode[];
  /** All texts that were read, by name. */
  readonly sources: readonly SourceFile[];
  /** From reading, parsing, resolving: by input, then by line. Fidelity is not among them. */
  readonly diagnostics: readonly Diagnostic[];
  /** What stands against carrying the ruleset over and belongs to no rule. */
  readonly problems: readonly LooseProblem[];
  readonly other: OtherEnforcement;
}

interface Rules {
  readonly source: SourceFile;
  readonly family?: Family;
}

/** Everything found on the command line, before anything is parsed. */
interface Gathered {
  readonly rules: Rules[];
  readonly sets: SourceFile[];
  hosts: SourceFile[];
  other: OtherEnforcement;
}

/** Throws InputError when no ruleset can be formed. */
export async function loadInput(args: readonly string[], options: LoadOptions = {}): Promise<LoadedInput> {
  const gathered: Gathered = { rules: [], sets: [], hosts: [], other: {} };
  for (const arg of args) await gather(arg, gathered, options);
  if (options.hostFile !== undefined) gathered.hosts = [await readSource(options.hostFile)];
  const { host, diagnostics: hostDiagnostics } = readHost(gathered.hosts);

  const parsed = gathered.rules.map(({ source, family }) => parseSaveFile(source, family ? { family } : {}));
  const files = parsed.map(({ file }) => file);
  refuseTwice(files);
  const sets = readSets(gathered.sets, DEBIAN_NAMES);
  const resolution = resolve({ files, sets: sets.sets, names: DEBIAN_NAMES, ...(host && { host }) });
  const sources = [...gathered.rules.map(({ source }) => source), ...gathered.sets, ...gathered.hosts];
  const diagnostics = [
    ...parsed.flatMap((each) => each.diagnostics),
    ...resolution.diagnostics,
    ...sets.diagnostics,
    ...hostDiagnostics,
  ];
  if (files.length > 0 && files.every((file) => file.tables.length === 0))
    throw new InputError([noTable(files[0]!.file), ...diagnostics]);
  return {
    ruleset: resolution.ruleset,
    host: host ?? DEFAULT_HOST,
    hostGiven: host !== undefined,
    files,
    sources,
    diagnostics: inOrder(diagnostics, sources),
    problems: resolution.problems,
    other: gathered.other,
  };
}

/** The dumps of rules among the inputs; for commands that cannot do without. */
export function requireRules(input: LoadedInput): void {
  if (input.files.length > 0) return;
  throw inputError(
    'IPT0605',
    input.sources[0]?.name ?? STDIN,
    'no rules are among the inputs',
    'give the output of iptables-save or ip6tables-save',
  );
}

async function gather(arg: string, into: Gathered, options: LoadOptions): Promise<void> {
  if (arg === STDIN) return sort(await readStandardInput(options.stdin), into, options);
  const kind = await kindOf(arg);
  if (kind === 'absent') throw inputError('IPT0600', arg, 'there is no such file or directory');
  if (kind === 'file') return sort(await readSource(arg), into, options);
  const snapshot = await readSnapshot(arg);
  if (snapshot.rulesV4) into.rules.push({ source: snapshot.rulesV4, family: 'ipv4' });
  if (snapshot.rulesV6) into.rules.push({ source: snapshot.rulesV6, family: 'ipv6' });
  if (snapshot.sets) into.sets.push(snapshot.sets);
  if (snapshot.host) into.hosts.push(snapshot.host);
  into.other = { ...into.other, ...snapshot.other };
}

/** Puts a text where it belongs by what it says. */
function sort(source: SourceFile, into: Gathered, options: LoadOptions): void {
  if (recognise(source) === 'sets') {
    into.sets.push(source);
    return;
  }
  const told = /^# Generated by ip6?tables(?:-legacy|-nft)?-save/m.test(source.text.slice(0, 1 << 20));
  into.rules.push(told || options.family === undefined ? { source } : { source, family: options.family });
}

function readHost(sources: readonly SourceFile[]): { host?: Host; diagnostics: readonly Diagnostic[] } {
  const [source, second] = sources;
  if (source === undefined) return { diagnostics: [] };
  if (second !== undefined)
    throw inputError(
      'IPT0606',
      second.name,
      `a host is given already, by ${source.name}`,
      'choose one with --host',
    );
  const { host, diagnostics } = parseHost(source);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (host === undefined || errors.length > 0) throw new InputError(errors);
  return { host, diagnostics };
}

/** One table cannot come from two dumps: which of them holds is not ours to guess. */
function refuseTwice(files: readonly SaveFileNode[]): void {
  const seen = new Map<string, { readonly file: string; readonly span: Span }>();
  for (const file of files) {
    for (const table of new Map(file.tables.map((one) => [one.name, one])).values()) {
      const key = `${file.family} ${table.name}`;
      const before = seen.get(key);
      if (before !== undefined) {
        throw new InputError([
          {
            code: 'IPT0607',
            severity: 'error',
            message: `the ${file.family} table \`${table.name}\` is given twice`,
            span: table.span,
            labels: [{ span: before.span, message: 'it is given here too' }],
            help: 'give one dump for each family; a host with legacy and nft rules has two rulesets: migrate them one by one',
          },
        ]);
      }
      seen.set(key, { file: file.file, span: table.span });
    }
  }
}

function noTable(file: string): Diagnostic {
  return {
    code: 'IPT0605',
    severity: 'error',
    message: 'no table could be read',
    span: { file, line: 1, column: 1, endColumn: 2 },
  };
}

/** By the order of the inputs, then by line and column. */
function inOrder(diagnostics: readonly Diagnostic[], sources: readonly SourceFile[]): Diagnostic[] {
  const order = new Map(sources.map(({ name }, i) => [name, i]));
  const rank = (diagnostic: Diagnostic): number => order.get(diagnostic.span?.file ?? '') ?? -1;
  return [...diagnostics].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.span?.line ?? 0) - (b.span?.line ?? 0) ||
      (a.span?.column ?? 0) - (b.span?.column ?? 0),
  );
}
